package sweep

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
)

func find(t *testing.T, name string) *script.Scenario {
	t.Helper()
	s, err := library.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(t *testing.T, names ...string) (out []scenarios.Resolver) {
	t.Helper()
	for _, n := range names {
		id, err := scenarios.ParseResolver(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

// TestWhereResolversBeginToLose: figure 8-3 has two milliseconds between the writes. With
// perfect clocks nobody loses; last-write-wins begins when skew exceeds the gap; intervals
// when it exceeds the claimed error of four milliseconds too; what follows causality never.
func TestWhereResolversBeginToLose(t *testing.T) {
	axis, err := ParseAxis("skew=0,1s")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Run(context.Background(), Config{Script: find(t, "ddia-8-3"), Axis: axis, Resolvers: ids(t, "lww", "interval", "causal"), Seeds: 4, Seed: 1, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := []Begin{{"lww", "1s"}, {"interval", "1s"}, {"causal", ""}}
	if !slices.Equal(c.Begins, want) {
		t.Errorf("%+v", c.Begins)
	}
	agree(t, c)
}

// agree holds table, CSV, JSON and page to one another.
func agree(t *testing.T, c *Curve) {
	t.Helper()
	c.Command = "scenario sweep <x>"
	var asJSON, asCSV, asPage, asTable bytes.Buffer
	for _, err := range []error{c.JSON(&asJSON), c.CSV(&asCSV), c.Page(&asPage), c.Table(&asTable)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var back Curve
	if err := json.Unmarshal(asJSON.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&asCSV).ReadAll()
	if err != nil || len(rows) != len(c.Points)+1 {
		t.Fatal(rows, err)
	}
	var paged [][]string
	for _, r := range regexp.MustCompile(`(?s)<tr><td>.*?</tr>`).FindAllString(asPage.String(), -1) {
		var cells []string
		for _, m := range regexp.MustCompile(`<td>(.*?)</td>`).FindAllStringSubmatch(r, -1) {
			cells = append(cells, m[1])
		}
		paged = append(paged, cells)
	}
	if len(back.Points) != len(c.Points) || len(paged) != len(c.Points) {
		t.Fatalf("%d points, %d in JSON, %d on the page", len(c.Points), len(back.Points), len(paged))
	}
	for i := range back.Points {
		if got := back.cells(&back.Points[i]); !slices.Equal(got, rows[i+1]) {
			t.Errorf("JSON has %v, CSV %v", got, rows[i+1])
		}
		if want := append(slices.Clone(rows[i+1][2:4]), rows[i+1][6:]...); !slices.Equal(paged[i], want) {
			t.Errorf("the page has %v, CSV %v", paged[i], want)
		}
	}
	if html := asPage.String(); strings.Contains(html, "<script") || regexp.MustCompile(`(src|href)=`).MatchString(html) || !strings.Contains(html, "default-src 'none'") || !strings.Contains(html, "sweep &lt;x&gt;") {
		t.Error("the page is not closed in itself")
	}
	if !strings.Contains(asTable.String(), "begins at") {
		t.Errorf("%s", asTable.String())
	}
}

func TestAxesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"skew=0,1ms..10s": "0 1ms 10ms 100ms 1s 10s", "skew=1ms…20ms": "1ms 10ms 20ms", "rate=1,10..1000": "1 10 100 1000", "cut=2s": "2s", "delay=0": "0",
	} {
		a, err := ParseAxis(text)
		var got []string
		for _, v := range a.Values {
			got = append(got, v.Text)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "an axis is", "load=1": "an axis is", "skew=": "no duration", "skew=-1s": "no duration", "skew=2h": "no duration", "rate=0": "no rate", "skew=0..1s": "no range", "skew=1s..1ms": "no range",
		"rate=" + strings.Repeat("1,", 300) + "1": "more than 200",
	} {
		if _, err := ParseAxis(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

// TestAxesChangeTheirScript and only where it has what they change.
func TestAxesChangeTheirScript(t *testing.T) {
	apply := func(axis, name string) (*script.Scenario, error) {
		a, err := ParseAxis(axis)
		if err != nil {
			t.Fatal(err)
		}
		return a.Apply(find(t, name), a.Values[0], 1)
	}
	for _, axis := range []string{"cut=1s", "rate=5"} {
		if _, err := apply(axis, "ddia-8-3"); err == nil || !strings.Contains(err.Error(), "nothing that") {
			t.Errorf("%s: %v", axis, err)
		}
	}
	s, err := apply("delay=7ms", "ddia-8-3")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range s.Setup {
		if f, ok := u.Action.(script.LinkFault); ok && f.Delay.Value != 7*time.Millisecond {
			t.Errorf("%v", f)
		}
	}
}
