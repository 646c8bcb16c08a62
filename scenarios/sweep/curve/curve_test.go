package curve

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFormsAgree, also where it is not known which losses were inverted.
func TestFormsAgree(t *testing.T) {
	half := 0.5
	c := &Curve{Scenario: "x", Axis: "skew", Seeds: 4, Seed: 1, Points: []Point{
		{Value: "0", Resolver: "lww", Acked: 2, Inverted: new(float64), Concurrent: new(float64)}, {Value: "0", Resolver: "causal", Acked: 2},
		{Value: "1s", Resolver: "lww", Acked: 2, Lost: 0.5, Most: 1, Inverted: &half, Concurrent: new(float64), Losing: 2}, {Value: "1s", Resolver: "causal", Acked: 2},
	}}
	c.Begin("lww")
	c.Begin("causal")
	if !slices.Equal(c.Begins, []Begin{{"lww", "1s"}, {"causal", ""}}) {
		t.Errorf("%+v", c.Begins)
	}
	agree(t, c)
	c.Draws, c.Notes = true, []string{"0 is the clocks <as recorded>"}
	var html bytes.Buffer
	if err := c.Page(&html); err != nil || !strings.Contains(html.String(), "the mean of 4 draws from 1 on") || !strings.Contains(html.String(), "<p>0 is the clocks &lt;as recorded&gt;</p>") {
		t.Errorf("%v\n%s", err, html.String())
	}
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
	var back struct{ Points []map[string]any }
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
	told := map[string]bool{} // by a point in JSON
	for i := range back.Points {
		for k, name := range rows[0] {
			got, there := back.Points[i][name]
			if text := fmt.Sprint(got); there && text != rows[i+1][k] && (got != nil || rows[i+1][k] != "") {
				t.Errorf("%s is %v in JSON, %s in CSV", name, got, rows[i+1][k])
			}
			told[name] = told[name] || there
		}
		if want := append(slices.Clone(rows[i+1][2:4]), rows[i+1][6:]...); !slices.Equal(paged[i], want) {
			t.Errorf("the page has %v, CSV %v", paged[i], want)
		}
	}
	for name := range back.Points[0] {
		if !told[name] {
			t.Errorf("CSV has no %s", name)
		}
	}
	if html := asPage.String(); strings.Contains(html, "<script") || regexp.MustCompile(`(src|href)=`).MatchString(html) || !strings.Contains(html, "default-src 'none'") || !strings.Contains(html, "sweep &lt;x&gt;") {
		t.Error("the page is not closed in itself")
	}
	if !strings.Contains(asTable.String(), "begins at") {
		t.Errorf("%s", asTable.String())
	}
}
