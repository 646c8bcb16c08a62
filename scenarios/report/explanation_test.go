package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// played is a script's result under last-write-wins.
func played(t *testing.T, s *script.Scenario, seed uint64) *scenarios.Result {
	t.Helper()
	r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.LWW, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parsed(t *testing.T, text string) *script.Scenario {
	t.Helper()
	s, err := script.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// has fails unless the text holds all the parts.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func table(t *testing.T, s *script.Scenario, results ...*scenarios.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := Table(&b, Blocks([]*script.Scenario{s}, results), Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhoseSessionBrokeIsSaid(t *testing.T) {
	s, err := library.Find("stale-session")
	if err != nil {
		t.Fatal(err)
	}
	r := played(t, s, 1)
	has(t, table(t, s, r), "session   :Plain", "kept   broken    held")
	has(t, explanation(t, s, r, false), "Plain  moves to n2", "is shown y = 1 by n2, after 180ms",
		"Session guarantees: Plain broken (it carries no token), Token kept.")
}

func TestWhatIsUnexpectedIsSaidAndOnlyOfTheTablesSeed(t *testing.T) {
	s := parsed(t, `
-- scenario --
name     astray
leaders  n1 n2
client   A at=n1
at 1s   A set x ""
at 2s   crash n2
settle 1s
-- expect --
resolver  x  acked  lost
lww       2  1      3
`)
	r := played(t, s, 1)
	has(t, table(t, s, r), "lww: ✗ not as the script expects: x is \"\" and not 2, lost is 0 and not 3", "n2 does not run in the end", `lww       ""`)
	has(t, explanation(t, s, r, false), "expects: x is \"\" and not 2", "n2 does not run in the end")
	other := played(t, s, 2)
	has(t, table(t, s, other), "with seed 1 only")
	has(t, explanation(t, s, other, false), "with seed 1 only")
}

func TestWhatManyResolversBreakIsSaidOnce(t *testing.T) {
	broken := func(resolver, why string) *scenarios.Result {
		r := ddia(resolver, "1", 0)
		r.Promises = []scenarios.Promise{{Check: "session B monotonic-reads", Kind: "safety", At: time.Second, Why: "monotonic-reads: " + why}}
		return r
	}
	all := Block{Results: []*scenarios.Result{broken("lww", "a"), broken("hlc", "a")}}
	two := Block{Results: []*scenarios.Result{broken("lww", "a"), broken("hlc", "a"), broken("causal", "b")}}
	if got := strings.Join(all.failures(), "\n"); got != "every resolver: ✗ session B monotonic-reads broke at 1.000000s: a" {
		t.Error(got)
	}
	has(t, strings.Join(two.failures(), "\n"), "lww, hlc: ✗", "causal: ✗")
}

func TestAClientThatWaitsForEverIsToldOf(t *testing.T) {
	s := parsed(t, `
-- scenario --
name     stuck
leaders  n1
client   A at=n1
at 1s   cut A>n1
at 2s   A set x 1
at 3s   heal
at 4s   A set x 2
at 5s   A set x 3
settle 1s
`)
	has(t, explanation(t, s, played(t, s, 1), false), "A   still waits in the end for n1 to answer A#1 (A set x 1); 2 more of its operations never begin")
}

func TestALossThatLastsIsDrawnBeforeOneThatDoesNot(t *testing.T) {
	all := entries(long(200))
	last := all[len(all)-1].label
	drawn, left := choose(all, map[string]bool{last: true})
	if !strings.Contains(left, "poison and "+last) || len(drawn) == 0 {
		t.Errorf("drawn %d entries: %s", len(drawn), left)
	}
}

func TestWhatIsDroppedAgainIsDrawnOnce(t *testing.T) {
	tr := &trace.Trace{}
	for i := range 100 {
		tr.Add(trace.Event{At: time.Duration(i) * time.Second, Kind: trace.Missed, Where: "n1", Peer: []string{"n2", "n3"}[i%2], Label: "w"})
	}
	if drawn, left := choose(entries(tr), nil); len(drawn) != 2 || left != "" {
		t.Errorf("%d entries drawn, %q", len(drawn), left)
	}
}

func TestASingleThingIsNotFolded(t *testing.T) {
	s, r := figure(t)
	for n, want := range map[int]string{4: "n1  applies w4", 5: "2 more applied"} {
		r.Trace = &trace.Trace{}
		for i := range n {
			r.Trace.Add(trace.Event{At: time.Duration(i) * time.Second, Kind: trace.Applied, Where: "n1", Peer: "n2", Label: "w" + string(rune('1'+i))})
		}
		has(t, explanation(t, s, r, false), want)
	}
}

func TestStylesKeepToTheColumnsThereAre(t *testing.T) {
	blocks := matrix()
	var b bytes.Buffer
	if err := Table(&b, blocks[:1], Style{Width: 90}); err != nil {
		t.Fatal(err)
	}
	within(t, b.String(), 90)
	for columns, want := range map[int]int{0: 120, 200: 120, 90: 90, 10: leastWidth} {
		if got := (Style{Width: columns}).width(120); got != want {
			t.Errorf("%d columns: %d, want %d", columns, got, want)
		}
	}
}

func TestALabelThatWasMadeUpKeepsItsNumber(t *testing.T) {
	for label, want := range map[string]string{"Plain#1": "Pla…#1", "checkout": "check…", "A#123456": "A#123…"} {
		if got := string(squeeze([]rune(label), 6)); got != want {
			t.Errorf("%s becomes %s, want %s", label, got, want)
		}
	}
}
