package console

import (
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
	// shape is what every rule looks like: how many more in a time of a counter, or
	// how many of a gauge for some time.
	shape  = regexp.MustCompile(`^(?:max|sum) by \(([a-z, ]+)\) \((increase\()?(kvd_[a-z_]+)(?:\{(.*)\})?(?:\[\d+[mh]\]\))?\) > [0-9.]+$`)
	equals = regexp.MustCompile(`^([a-z]+)="([a-z]+)"$`)
	labels = regexp.MustCompile(`\$labels\.([a-z]+)`)
)

// Every metric, label and value that a rule names is there to be scraped before
// anything has happened, or the rule would never fire.
func TestAlertsNameWhatThereIs(t *testing.T) {
	u := serve(t, Config{}, &leader{status: Status{Peers: []Peer{{Name: "n2", Clock: &Offset{}}}}}) // there is one as soon as one is met
	res, body := u.get("/alerts.yml")
	if got := res.Header.Get("Content-Type"); got != "application/yaml" {
		t.Errorf("served as %q", got)
	}
	var file rules
	if err := yaml.UnmarshalWithOptions([]byte(body), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	families := u.scraped()
	var metrics []string
	for _, r := range file.Groups[0].Rules {
		if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%q lacks something: %+v", r.Alert, r)
		}
		metrics = append(metrics, checkRule(t, families, r))
	}
	for _, must := range []string{"kvd_losses_total", "kvd_ledger_evicted_total", "kvd_feed_missed_total", "kvd_unreplicated_ops", "kvd_peer_lag_seconds", "kvd_peer_clock_offset_seconds"} {
		if !slices.Contains(metrics, must) {
			t.Errorf("no rule watches %s", must)
		}
	}
}

// checkRule answers which metric the rule watches.
func checkRule(t *testing.T, families map[string]*dto.MetricFamily, r rule) string {
	t.Helper()
	parts := shape.FindStringSubmatch(r.Expr)
	if parts == nil {
		t.Fatalf("%s: %q is not of the known shape", r.Alert, r.Expr)
	}
	family, kind := families[parts[3]], dto.MetricType_GAUGE
	if parts[2] != "" {
		kind = dto.MetricType_COUNTER
	}
	if family == nil || family.GetType() != kind || (r.For != "") != (kind == dto.MetricType_GAUGE) {
		t.Fatalf("%s: %s is no %s that there is, for %q", r.Alert, parts[3], kind, r.For)
	}
	has := func(m *dto.Metric, name, value string) bool {
		return slices.ContainsFunc(m.GetLabel(), func(p *dto.LabelPair) bool {
			return p.GetName() == name && (value == "" || p.GetValue() == value)
		})
	}
	series := slices.Clone(family.GetMetric())
	for _, matcher := range strings.Split(parts[4], ",") {
		if matcher == "" {
			continue
		}
		label := equals.FindStringSubmatch(matcher)
		if label == nil {
			t.Fatalf("%s: %q is not of the known shape", r.Alert, matcher)
		}
		series = slices.DeleteFunc(series, func(m *dto.Metric) bool { return !has(m, label[1], label[2]) })
	}
	if len(series) == 0 {
		t.Fatalf("%s: nothing fits %s", r.Alert, r.Expr)
	}
	by := strings.Split(parts[1], ", ")
	for _, name := range by {
		if name != "job" && name != "instance" && !has(series[0], name, "") {
			t.Errorf("%s: no label %s", r.Alert, name)
		}
	}
	for _, used := range labels.FindAllStringSubmatch(r.Annotations["summary"]+r.Annotations["description"], -1) {
		if !slices.Contains(by, used[1]) {
			t.Errorf("%s: the label %s is gone by then", r.Alert, used[1])
		}
	}
	return parts[3]
}
