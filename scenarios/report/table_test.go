package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// matrix is two scenarios under three resolvers.
func matrix() []Block {
	lww := ddia("lww", "1", 1)
	lww.Inverted, lww.Session = 1, "broken"
	siblings := ddia("siblings", "2", 0)
	figure := Block{Name: "ddia-8-3", Title: "A later increment loses", Results: []*scenarios.Result{lww, ddia("lamport", "2", 0), siblings}}

	side := func(resolver string, lost int) *scenarios.Result {
		r := ddia(resolver, "a", lost)
		r.Scenario, r.Session, r.Acked, r.Accounted, r.Concurrent = "minority-side", "", 1200, 1200-lost, lost
		return r
	}
	worst, split, both := side("lww", 3), side("lamport", 5), side("siblings", 0)
	split.Values = map[string]map[string][]string{
		"n1": {"cart": {strings.Repeat("element,", 1999) + "element"}, "gone": nil},
		"n2": {"cart": {"b"}, "gone": nil},
	}
	split.Converged, split.Expectation, split.Durability = false, scenarios.Broken, 2
	split.Promises = []scenarios.Promise{{Check: "converged", Kind: "liveness", Why: "n1 and n2 differ on cart"}}
	both.Siblings, both.MetadataBytesPerKey = 3, 62.25
	both.Values = map[string]map[string][]string{"n1": {"cart": {"a", "b", "c"}}, "n2": {"cart": {"a", "b", "c"}}}
	expect := script.Table{Columns: []string{"resolver", "lost", "acked"}, Rows: [][]string{{"lamport", "3", "1200"}}}
	return []Block{figure, {Name: "minority-side", Title: "Both sides of a partition go on", Results: []*scenarios.Result{worst, split, both},
		leaders: []string{"n1", "n2", "n3"}, expect: expect}}
}

func TestTables(t *testing.T) {
	var text, markdown bytes.Buffer
	if err := Table(&text, matrix(), Style{}); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&markdown, matrix()); err != nil {
		t.Fatal(err)
	}
	within(t, text.String(), tableWidth)
	golden(t, "matrix.txt", text.Bytes())
	golden(t, "matrix.md", markdown.Bytes())
}

func TestTheWidestBlockStillFits(t *testing.T) {
	blocks := matrix()
	for _, b := range blocks {
		for _, r := range b.Results {
			r.Durability, r.Resurrected, r.Overcounted, r.Session = 100000, 1, 1, "broken"
			for _, n := range []string{"n1", "n2", "n3"} {
				r.Values[n] = map[string][]string{"x": {strings.Repeat("v", 500)}}
			}
		}
	}
	var text bytes.Buffer
	if err := Table(&text, blocks, Style{}); err != nil {
		t.Fatal(err)
	}
	within(t, text.String(), tableWidth)
}

func TestTheMoralIsComputed(t *testing.T) {
	said := moral(totals(matrix()))
	for _, want := range []string{"lamport threw away 5 (0.4 %)", "siblings threw none away", "up to 3 values", "2 under lamport"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q lacks %q", said, want)
		}
	}
	calm := []Block{{Results: []*scenarios.Result{ddia("causal", "2", 0)}}}
	if said := moral(totals(calm)); said != "No resolver threw away an acknowledged update." {
		t.Errorf("nothing lost: %q", said)
	}
	if said := moral(nil); said != "Nothing was played." {
		t.Errorf("nothing played: %q", said)
	}
}

// row is the shape of a result as it is documented, spelled out a second time.
type row struct {
	Scenario            string                         `json:"scenario"`
	Resolver            string                         `json:"resolver"`
	Seed                uint64                         `json:"seed"`
	Live                bool                           `json:"live"`
	Values              map[string]map[string][]string `json:"values"`
	Acked               int                            `json:"acked"`
	Accounted           int                            `json:"accounted"`
	Lost                int                            `json:"lost"`
	Inverted            int                            `json:"inverted"`
	Concurrent          int                            `json:"concurrent"`
	Durability          int                            `json:"durability"`
	Resurrected         int                            `json:"resurrected"`
	Overcounted         int                            `json:"overcounted"`
	Refused             int                            `json:"refused"`
	Siblings            int                            `json:"siblings"`
	MetadataBytesPerKey float64                        `json:"metadata_bytes_per_key"`
	Converged           bool                           `json:"converged"`
	Session             string                         `json:"session"`
	Promises            []struct {
		Check string `json:"check"`
		Kind  string `json:"kind"`
		Held  bool   `json:"held"`
		At    int64  `json:"at"`
		Why   string `json:"why"`
	} `json:"promises"`
	Expectation string `json:"expectation"`
	Losses      []struct {
		Label  string   `json:"label"`
		Key    string   `json:"key"`
		Client string   `json:"client"`
		Verb   string   `json:"verb"`
		Class  string   `json:"class"`
		Dots   []string `json:"dots"`
		By     string   `json:"by"`
		ByVerb string   `json:"by_verb"`
		Acked  int64    `json:"acked"`
	} `json:"losses"`
	Serving map[string]string `json:"serving"`
	History *struct {
		Writes []struct {
			Request  string   `json:"request"`
			Label    string   `json:"label"`
			Client   string   `json:"client"`
			Session  bool     `json:"session"`
			Key      string   `json:"key"`
			Verb     string   `json:"verb"`
			Delta    int64    `json:"delta"`
			Exact    bool     `json:"exact"`
			Shown    []string `json:"shown"`
			Sent     *turn    `json:"sent"`
			Acked    *turn    `json:"acked"`
			Accepted []struct {
				turn
				Leader string   `json:"leader"`
				Dot    string   `json:"dot"`
				Over   []string `json:"over"`
				Delta  int64    `json:"delta"`
				After  []string `json:"after"`
				Unseen bool     `json:"unseen"`
			} `json:"accepted"`
		} `json:"writes"`
		Reads []struct {
			turn
			Since  int      `json:"since"`
			Client string   `json:"client"`
			Leader string   `json:"leader"`
			Key    string   `json:"key"`
			Write  string   `json:"write"`
			Dots   []string `json:"dots"`
		} `json:"reads"`
		Finals []struct {
			Leader string   `json:"leader"`
			Key    string   `json:"key"`
			Dots   []string `json:"dots"`
		} `json:"finals"`
		DisksLost []struct {
			turn
			Leader string `json:"leader"`
		} `json:"disks_lost"`
		Applied []struct {
			turn
			Leader string `json:"leader"`
			Dot    string `json:"dot"`
		} `json:"applied"`
	} `json:"history"`
}

// fromDisk is a result with everything in it: losses, reads, a disk that was lost.
func fromDisk(t *testing.T) *scenarios.Result {
	t.Helper()
	s, err := library.Find("lost-disk")
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.LWW, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// turn is a place in a history.
type turn struct {
	Turn int   `json:"turn"`
	At   int64 `json:"at"`
}

func TestJSONHasTheDocumentedShape(t *testing.T) {
	results := append(together(matrix()), fromDisk(t))
	var b bytes.Buffer
	if err := JSON(&b, results); err != nil {
		t.Fatal(err)
	}
	var rows []row
	dec := json.NewDecoder(bytes.NewReader(b.Bytes()))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&rows); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if len(rows) != len(results) {
		t.Fatalf("%d rows for %d results", len(rows), len(results))
	}
	first := rows[0]
	if first.Scenario != "ddia-8-3" || first.Resolver != "lww" || first.Acked != 2 || first.Accounted != 1 || first.Lost != 1 ||
		first.Inverted != 1 || first.MetadataBytesPerKey != 31 || !first.Converged || first.Expectation != "held" {
		t.Errorf("first row: %+v", first)
	}
	if got := first.Values["n3"]["x"]; !reflect.DeepEqual(got, []string{"1"}) {
		t.Errorf("values of x at n3: %v", got)
	}
	if !strings.Contains(b.String(), `"gone":[]`) || strings.Contains(b.String(), "null") {
		t.Errorf("absent is not an empty list:\n%s", b.String())
	}
	if n := strings.Count(b.String(), "\n"); n != len(results)+2 {
		t.Errorf("%d lines, want one for each result and the brackets", n)
	}
	everyFieldIsThere(t, b.Bytes())
}

// everyFieldIsThere fails if a documented field is left out of the first row.
func everyFieldIsThere(t *testing.T, text []byte) {
	t.Helper()
	var raw []map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[row]().NumField() {
		name := reflect.TypeFor[row]().Field(i).Tag.Get("json")
		if _, ok := raw[0][name]; !ok {
			t.Errorf("no field %q", name)
		}
	}
}

func TestNoResultsAreAnEmptyArray(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, nil); err != nil {
		t.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(b.Bytes(), &rows); err != nil || rows == nil || len(rows) != 0 {
		t.Errorf("%q decodes to %v, %v", b.String(), rows, err)
	}
}

func TestJudge(t *testing.T) {
	promise := func(check string, held bool) []scenarios.Promise {
		return []scenarios.Promise{{Check: check, Kind: "liveness", Held: held}}
	}
	for _, c := range []struct {
		name string
		r    scenarios.Result
		want Outcome
	}{
		{"all well", scenarios.Result{Converged: true, Expectation: "held", Promises: promise("converged", true)}, Passed},
		{"an expected loss", scenarios.Result{Converged: true, Stats: oracle.Stats{Lost: 3}, Expectation: "held"}, Passed},
		{"another result than expected", scenarios.Result{Converged: true, Expectation: "broken"}, Broke},
		{"a broken promise", scenarios.Result{Converged: true, Expectation: "none", Promises: promise("lost x = 0", false)}, Broke},
		{"no convergence", scenarios.Result{Expectation: "none"}, Unconverged},
		{"no convergence, so not as expected", scenarios.Result{Expectation: "broken", Promises: promise("converged", false)}, Unconverged},
		{"no convergence, as expected", scenarios.Result{Expectation: "held"}, Passed},
		{"no convergence and a broken promise", scenarios.Result{Promises: promise("acked = accounted", false)}, Broke},
	} {
		if got := Judge([]*scenarios.Result{{Converged: true}, &c.r}); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestShown(t *testing.T) {
	for _, c := range []struct {
		values []string
		limit  int
		want   string
	}{
		{nil, 10, "–"},
		{[]string{"1"}, 10, "1"},
		{[]string{"1", "2"}, 20, "1 | 2"},
		{[]string{"a,b,c,d,e,f,g,h"}, 8, "[8 elements]"},
		{[]string{strings.Repeat("x", 99)}, 8, "[99 bytes]"},
		{[]string{"a\nb\x1b"}, 10, "a·b·"},
		{[]string{"aaaa", "bbbb", "cccc", "dddd"}, 8, "[4 bytes] | … (4 values)"},
	} {
		if got := shown(c.values, c.limit); got != c.want {
			t.Errorf("shown(%q, %d) = %q, want %q", c.values, c.limit, got, c.want)
		}
	}
}

func TestDivergedLeadersAreNamed(t *testing.T) {
	r := &scenarios.Result{Values: map[string]map[string][]string{"n2": {"x": {"2"}}, "n1": {"x": {"1"}}, "n3": {}}}
	if got := fmt.Sprint(agreed(r, "x", 20)); got != "n1:1,n2:2,n3:–" {
		t.Errorf("got %s", got)
	}
}
