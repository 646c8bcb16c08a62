package ledger_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
	"kvd/resolve/number"
)

// TestACounterForgetsOnlyWhatADeletionSaw: an addition that was seen is deleted,
// a later one of the same leader still counts.
func TestACounterForgetsOnlyWhatADeletionSaw(t *testing.T) {
	c := newCluster(t, everybody(resolve.Counter), "n1", "n2", "n3")
	add := func() logical.Dot { return c.ask("n1", &replica.Request{Verb: replica.Incr, Key: "x", Delta: 5}) }
	first := add()
	c.quiet()
	c.ask("n2", &replica.Request{Verb: replica.Remove, Key: "x"})
	second := add()
	c.quiet()
	for d, want := range map[logical.Dot]ledger.State{first: ledger.Deleted, second: ledger.Merged} {
		f, err := c.reader("n3").Fate(d)
		if err != nil || f.Verdicts[0].State != want {
			t.Errorf("%+v, %v; want %s", f.Verdicts[0], err, want)
		}
	}
	w, err := c.reader("n3").Why("x")
	if err != nil || w.Sum != number.Of(5) {
		t.Errorf("%+v, %v", w, err)
	}
}

// TestARetriedAdditionCountsOnce, and the other dot says under which.
func TestARetriedAdditionCountsOnce(t *testing.T) {
	c := newCluster(t, everybody(resolve.Counter), "n1", "n2", "n3")
	one := c.ask("n1", &replica.Request{Verb: replica.Incr, Key: "x", Delta: 5, Client: 4, Number: 77})
	two := c.ask("n2", &replica.Request{Verb: replica.Incr, Key: "x", Delta: 5, Client: 4, Number: 77})
	c.quiet()
	first, err := c.reader("n3").Fate(one)
	if err != nil || first.Verdicts[0].State != ledger.Merged {
		t.Errorf("%+v, %v", first.Verdicts[0], err)
	}
	second, err := c.reader("n3").Fate(two)
	if err != nil || second.Verdicts[0].State != ledger.Doubled || second.Verdicts[0].By != one {
		t.Errorf("%+v, %v", second.Verdicts[0], err)
	}
}

// TestFatesOfOneRequestAtThreeLeaders: the smallest dot counts. Once a deletion has
// taken another away, none of them does.
func TestFatesOfOneRequestAtThreeLeaders(t *testing.T) {
	c := newCluster(t, everybody(resolve.Counter), "n1", "n2", "n3")
	var dots []logical.Dot
	for _, at := range []string{"n1", "n2", "n3"} {
		dots = append(dots, c.ask(at, &replica.Request{Verb: replica.Incr, Key: "x", Delta: 5, Client: 4, Number: 77}))
	}
	c.quiet()
	slices.SortFunc(dots, logical.Dot.Compare)
	for i, want := range []ledger.State{ledger.Merged, ledger.Doubled, ledger.Doubled} {
		f, err := c.reader("n2").Fate(dots[i])
		if err != nil || f.Verdicts[0].State != want || want == ledger.Doubled && f.Verdicts[0].By != dots[0] {
			t.Errorf("%s: %+v, %v; want %s", dots[i], f.Verdicts[0], err, want)
		}
		for _, v := range f.Verdicts[1:] {
			if v.State == ledger.Lost {
				t.Errorf("%s is lost under %s, though its request survives", dots[i], v.Resolver)
			}
		}
	}
	c.ask("n1", &replica.Request{Verb: replica.Remove, Key: "x", Exact: true, Shown: dots[2:]})
	c.quiet()
	if w, err := c.reader("n3").Why("x"); err != nil || !w.Sum.IsZero() {
		t.Errorf("the sum is %+v, %v", w, err)
	}
}

// TestWhyTellsOfASumBeyond64Bits: what the key shows is not what was added up, and
// it says so, with the sum.
func TestWhyTellsOfASumBeyond64Bits(t *testing.T) {
	c := newCluster(t, everybody(resolve.Counter), "n1", "n2")
	for _, n := range []string{"n1", "n2"} {
		c.ask(n, &replica.Request{Verb: replica.Incr, Key: "x", Delta: math.MaxInt64})
	}
	c.quiet()
	w, err := c.reader("n2").Why("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"shows 9223372036854775807", "64 bits", "18446744073709551614", "n1 and n2"} {
		if !strings.Contains(explain.Key(w), part) {
			t.Errorf("%q does not say %q", explain.Key(w), part)
		}
	}
	if string(w.Values[0]) != "9223372036854775807" {
		t.Errorf("a read shows %s", w.Values[0])
	}
}
