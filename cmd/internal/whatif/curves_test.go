package whatif

import (
	"slices"
	"strings"
	"testing"

	"kvd/replica/client/study"
	"kvd/resolve"
	"kvd/scenarios/sweep/curve"
)

// TestTheCurveIsTheReports: lww begins with what it lost by the clocks as recorded, and who
// goes by no clock loses the same everywhere.
func TestTheCurveIsTheReports(t *testing.T) {
	s := study.Subject{Source: story(), Policy: resolve.Policy{Default: resolve.Causal}, Leader: "n1"}
	r := studied(t, s, "--resolvers", "lww,hlc,siblings", "--skew", "0,20us", "--draws", "8")
	c := r.Curve("kv whatif")
	var lost []float64
	for _, p := range c.Points {
		lost = append(lost, p.Lost)
	}
	if want := []float64{3, 0, 2, r.Points[1].Mean, 0, 2}; !slices.Equal(lost, want) {
		t.Errorf("%v, want %v", lost, want)
	}
	if want := []curve.Begin{{Resolver: "lww", Value: "0s"}, {Resolver: "siblings"}, {Resolver: "causal", Value: "0s"}}; !slices.Equal(c.Begins, want) {
		t.Errorf("%+v", c.Begins)
	}
	if p := c.Points[3]; p.Losing == 0 || p.Losing > 8 || p.Inverted != nil {
		t.Errorf("%+v", p)
	}
	if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, "as they were recorded") || !strings.Contains(notes, study.Caveat) {
		t.Error(notes)
	}
}

func TestCurvesThatCannotBeDrawnAreRefused(t *testing.T) {
	for _, args := range [][]string{{"--html", ""}, {"--csv", t.TempDir()}, {"--html", "x.html", "--skew", "none"}} {
		if _, err := asked(t, args...); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
