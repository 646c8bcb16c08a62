package observed_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"kvd/resolve/blackbox"
	"kvd/scenarios/page"
	"kvd/scenarios/page/observed"
	"kvd/wallclock"
)

// history is ops, a hundred nanoseconds after each other unless they say when.
type history []blackbox.Op

func (h history) All() iter.Seq[*blackbox.Op] {
	return func(yield func(*blackbox.Op) bool) {
		for i := range h {
			op := h[i]
			op.Line, op.Start, op.End = i+1, wallclock.Instant(100*i), wallclock.Instant(100*i+10)
			if !yield(&op) {
				return
			}
		}
	}
}

func (history) Err() error { return nil }

func story(t *testing.T, h history) (*page.Story, *blackbox.Report) {
	t.Helper()
	var g observed.Gatherer
	for op := range h.All() {
		g.Op(op)
	}
	r, err := blackbox.Judge(blackbox.Config{Each: g.Verdict}, h)
	if err != nil {
		t.Fatal(err)
	}
	s := g.Story("history", r)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func read(values ...string) blackbox.Reading { return blackbox.Reading{Known: true, Values: values} }

// cut is a counter and a register at two nodes that did not hear of each other: what b had
// acknowledged is gone.
var cut = history{
	{Client: "c1", Node: "a", Key: "n", Verb: blackbox.Incr, Delta: 1, Read: read("1")},
	{Client: "c1", Node: "a", Key: "x", Verb: blackbox.Set, Value: "1"},
	{Client: "c2", Node: "b", Key: "n", Verb: blackbox.Incr, Delta: 1, Read: read("2")},
	{Client: "c1", Node: "a", Key: "n", Verb: blackbox.Incr, Delta: 1, Read: read("2")},
	{Client: "c2", Node: "b", Key: "x", Verb: blackbox.Update, Value: "2", Shown: read("1")},
	{Client: "c2", Node: "b", Key: "n", Verb: blackbox.Incr, Delta: 1, Outcome: blackbox.Indeterminate},
	{Client: "c3", Node: "a", Key: "n", Verb: blackbox.Get, Read: read("2")},
	{Client: "c3", Node: "a", Key: "x", Verb: blackbox.Get, Read: read("1")},
	{Client: "c3", Node: "b", Key: "x", Verb: blackbox.Get, Read: read("1")},
}

func TestTheStoryHasWhatTheReportCounts(t *testing.T) {
	s, r := story(t, cut)
	found := s.Runs[0]
	if found.Counts.Lost != r.Lost() || r.Lost() != 2 || len(found.Losses) != 1 {
		t.Fatalf("%d lost in the counts, %d drawn, %d in the report, one of them with a name", found.Counts.Lost, len(found.Losses), r.Lost())
	}
	if notes := fmt.Sprint(found.Notes); !strings.Contains(notes, "Of counters: 1 lost, counted without knowing which.") {
		t.Errorf("the notes are %s", notes)
	}
	lost := found.Ops[found.Losses[0].Op]
	if lost.Words != "update x 2" || len(lost.Over) != 1 || found.Ops[lost.Over[0]].Words != "set x 1" || found.Losses[0].Class != "inverted" || found.Ops[found.Losses[0].By].Words != "set x 1" {
		t.Errorf("the loss is %+v of %+v", found.Losses[0], lost)
	}
	for i := range r.Kinds {
		for _, o := range r.Kinds[i].Outcomes {
			at := slices.IndexFunc(s.Runs, func(r page.Run) bool { return r.Name == o.Resolver.String() })
			n := 0
			for _, l := range s.Runs[at].Losses {
				if (r.Kinds[i].Kind == blackbox.CounterKey) == (s.Keys[s.Runs[at].Ops[l.Op].Key] == "n") {
					n++
				}
			}
			if n != o.Lost() {
				t.Errorf("%s loses %d of %ss, %d are drawn", o.Resolver, o.Lost(), r.Kinds[i].Kind, n)
			}
		}
	}
}

func TestLanesAndReadings(t *testing.T) {
	s, _ := story(t, cut)
	var names []string
	for _, l := range s.Lanes {
		names = append(names, l.Name)
	}
	if fmt.Sprint(names) != "[c1 c3 a c2 b]" {
		t.Errorf("lanes are %v", names)
	}
	at := slices.IndexFunc(s.Runs, func(r page.Run) bool { return r.Name == "counter" })
	last := s.Runs[at].Readings[0]
	if s.Keys[last.Key] != "n" || last.Text != "3" {
		t.Errorf("under counter a node shows %s = %s in the end, and three were added", s.Keys[last.Key], last.Text)
	}
	for _, m := range s.Runs[0].Messages {
		if m.Words == "incr n +1 (no reply)" && m.Arrives == page.Never {
			return
		}
	}
	t.Error("the request without a reply is not drawn as one")
}

// TestBounds: what has no place is left out of the drawing, and said; the counts are of all.
func TestBounds(t *testing.T) {
	var h history
	for i := range observed.MaxOps + 5 {
		h = append(h, blackbox.Op{Client: fmt.Sprint("c", i%(observed.MaxClients+1)), Node: "a", Key: "x", Verb: blackbox.Incr, Delta: 1, Read: read(fmt.Sprint(i + 1))})
	}
	s, _ := story(t, h)
	if len(s.Lanes) != 2 || len(s.Runs[0].Ops) != observed.MaxOps || s.Runs[0].Counts.Acked != len(h) {
		t.Errorf("%d lanes, %d ops drawn, %d acknowledged of %d", len(s.Lanes), len(s.Runs[0].Ops), s.Runs[0].Counts.Acked, len(h))
	}
	if len(s.Runs[0].Notes) == 0 || s.Runs[0].Notes[0] != "The first 20000 ops are drawn, and 5 are not; the counts are of all." {
		t.Errorf("the notes are %q", s.Runs[0].Notes)
	}
}

// TestVerdictsOfWhatIsDrawn: keys are judged in another order than their ops stand in, and
// verdicts of ops that are not drawn take no place of others. A long value is kept as short as
// it is drawn, and the op stays the judge's.
func TestVerdictsOfWhatIsDrawn(t *testing.T) {
	var g observed.Gatherer
	long := strings.Repeat("v", 1<<10)
	for line := range 2 * observed.MaxOps {
		op := &blackbox.Op{Line: line + 1, Client: "c", Node: "a", Key: "x", Verb: blackbox.Set, Value: long, Start: wallclock.Instant(line), End: wallclock.Instant(line + 1)}
		if g.Op(op); op.Value != long {
			t.Fatal("the op of the judge has another value")
		}
	}
	for line := 2 * observed.MaxOps; line > 0; line-- {
		g.Verdict(blackbox.Verdict{Line: line, Lost: true, Relation: blackbox.Unrelated})
	}
	found := g.Story("history", &blackbox.Report{}).Runs[0]
	if len(found.Ops) != observed.MaxOps || len(found.Losses) != len(found.Ops) {
		t.Errorf("%d ops are drawn, all of them lost, and %d losses", len(found.Ops), len(found.Losses))
	}
}
