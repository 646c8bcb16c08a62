package console

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
)

// rules is a file of rules, strictly: an unknown field is a mistake.
type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	} `yaml:"groups"`
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

var (
	selector = regexp.MustCompile(`((?:kvd|process)_[a-z_]+)(?:\{([^}]*)\})?(\[)?`)
	matcher  = regexp.MustCompile(`^([a-z]+)(=~?)"([^"]*)"$`)
	grouping = regexp.MustCompile(`by \(([a-z, ]+)\)`)
	labels   = regexp.MustCompile(`\$labels\.([a-z]+)`)
	legends  = regexp.MustCompile(`{{([a-z]+)}}`)
)

// scrapedOnce is what there is to be scraped before anything has happened: a rule that
// names anything else would never fire.
func scrapedOnce(t *testing.T) (*up, map[string]*dto.MetricFamily) {
	some := uint64(1)
	u := serve(t, Config{}, &leader{status: Status{
		Peers: []Peer{{Name: "n2", Clock: &Offset{}}}, // there is one as soon as one is met
		Usage: Usage{DiskFree: &some, DiskBytes: &some},
	}})
	return u, u.scraped()
}

func TestAlertsNameWhatThereIs(t *testing.T) {
	u, families := scrapedOnce(t)
	res, body := u.get("/alerts.yml")
	if got := res.Header.Get("Content-Type"); got != "application/yaml" || body != AlertRules() {
		t.Errorf("served as %q", got)
	}
	var file rules
	if err := yaml.UnmarshalWithOptions([]byte(body), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	headings := headingsOf(t, "../../scenarios/doc/operating.md")
	var metrics []string
	for _, r := range file.Groups[0].Rules {
		if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%q lacks something: %+v", r.Alert, r)
		}
		if page, heading, _ := strings.Cut(r.Annotations["runbook"], "#"); page != "scenarios/doc/operating.md" || !headings[heading] {
			t.Errorf("%s: there is no heading for the runbook %q", r.Alert, r.Annotations["runbook"])
		}
		named, by := checkExpr(t, r.Alert, families, r.Expr)
		metrics = append(metrics, named...)
		if strings.Contains(r.Expr, "increase(") == (r.For != "") {
			t.Errorf("%s: a counter fires at once, a gauge after a time; for: %q", r.Alert, r.For)
		}
		for _, used := range labels.FindAllStringSubmatch(r.Annotations["summary"]+r.Annotations["description"], -1) {
			if !slices.Contains(by, used[1]) {
				t.Errorf("%s: the label %s is gone by then", r.Alert, used[1])
			}
		}
	}
	for _, same := range []string{fmt.Sprintf("kvd_peer_lag_seconds) > %v\n", maxLag.Seconds()), fmt.Sprintf("edge=\"earliest\"}) > %v\n", maxApart.Seconds())} {
		if !strings.Contains(body, same) {
			t.Errorf("no rule has the threshold that the status has, %q", same)
		}
	}
	for _, must := range []string{"kvd_losses_total", "kvd_ledger_evicted_total", "kvd_feed_missed_total", "kvd_unreplicated_ops", "kvd_peer_lag_seconds", "kvd_peer_clock_offset_seconds", "kvd_ready", "kvd_disk_free_bytes"} {
		if !slices.Contains(metrics, must) {
			t.Errorf("no rule watches %s", must)
		}
	}
}

// headingsOf is the headings of a page, as links name them.
func headingsOf(t *testing.T, page string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			plain := strings.NewReplacer(",", "", "`", "", ".", "").Replace(strings.ToLower(strings.TrimSpace(title)))
			all[strings.ReplaceAll(plain, " ", "-")] = true
		}
	}
	return all
}

func TestTheDashboardNamesWhatThereIs(t *testing.T) {
	u, families := scrapedOnce(t)
	res, body := u.get("/dashboard.json")
	if got := res.Header.Get("Content-Type"); got != "application/json" || body != Dashboard() {
		t.Errorf("served as %q", got)
	}
	var file struct {
		Title, UID string
		Panels     []struct {
			ID                       int
			Type, Title, Description string
			Targets                  []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal([]byte(body), &file); err != nil || file.Title == "" || file.UID == "" {
		t.Fatalf("%+v, %v", file, err)
	}
	ids := map[int]bool{}
	for _, p := range file.Panels {
		if ids[p.ID] || p.Title == "" || (p.Type != "row") != (len(p.Targets) > 0 && p.Description != "") {
			t.Errorf("panel %d %q lacks something, or has the number of another", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			_, by := checkExpr(t, p.Title, families, target.Expr)
			for _, used := range legends.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(by, used[1]) {
					t.Errorf("%s: the label %s is gone by then", p.Title, used[1])
				}
			}
		}
	}
}

// checkExpr holds an expression against what there is: every metric, of the kind that the
// function takes, with series that the matchers fit and that have the labels by which they are
// grouped. It answers the metrics and those labels.
func checkExpr(t *testing.T, where string, families map[string]*dto.MetricFamily, expr string) (metrics, by []string) {
	t.Helper()
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		by = append(by, strings.Split(g[1], ", ")...)
	}
	found := selector.FindAllStringSubmatch(expr, -1)
	if len(found) == 0 {
		t.Errorf("%s: %q names no metric", where, expr)
	}
	for _, s := range found {
		name, bucket := s[1], strings.HasSuffix(s[1], "_bucket")
		family := families[strings.TrimSuffix(name, "_bucket")]
		if family == nil || bucket != (family.GetType() == dto.MetricType_HISTOGRAM) || (s[3] != "") != (bucket || family.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s: %s is not there, or not of the kind that %q takes", where, name, expr)
			continue
		}
		series := family.GetMetric()
		for _, m := range strings.Split(s[2], ",") {
			series = fitting(t, where, series, m)
		}
		if len(series) == 0 {
			t.Errorf("%s: nothing fits %s", where, s[0])
			continue
		}
		for _, label := range by {
			if label != "job" && label != "instance" && (label != "le" || !bucket) && !hasLabel(series[0], label, "") {
				t.Errorf("%s: %s has no label %s", where, name, label)
			}
		}
		metrics = append(metrics, name)
	}
	return metrics, by
}

// fitting is the series that a matcher fits. The labels of a scrape itself, which boards
// choose by, are on all of them.
func fitting(t *testing.T, where string, all []*dto.Metric, text string) []*dto.Metric {
	t.Helper()
	if text == "" || text == `job=~"$job"` {
		return all
	}
	m := matcher.FindStringSubmatch(text)
	if m == nil || m[2] != "=" {
		t.Errorf("%s: %q is not of the known shape", where, text)
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(s *dto.Metric) bool { return !hasLabel(s, m[1], m[3]) })
}

func hasLabel(m *dto.Metric, name, value string) bool {
	return slices.ContainsFunc(m.GetLabel(), func(p *dto.LabelPair) bool {
		return p.GetName() == name && (value == "" || p.GetValue() == value)
	})
}
