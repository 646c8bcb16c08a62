package branch_test

import (
	"context"
	"fmt"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/branch"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
)

func read(t *testing.T, name string) *script.Scenario {
	t.Helper()
	s, err := library.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func play(t *testing.T, s *script.Scenario, m world.Mend) *scenarios.Result {
	t.Helper()
	r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.LWW, Mend: m})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLastMoments: what each of these stories is about is found, to the nanosecond.
func TestLastMoments(t *testing.T) {
	for _, c := range []struct{ scenario, label, want string }{
		{"ddia-8-3", "w2", "It could still have been avoided until just before 42.001s, when n1 accepts w1: by setting the clocks right"},
		{"three-way-increment", "a", "Nothing would have avoided it: also where nothing is wrong, as much is lost"},
		{"lost-disk", "A#3", `It could still have been avoided until just before 3s, when "wipe n1" happens: by healing all links, or by getting the machines to run`},
	} {
		s := read(t, c.scenario)
		r := play(t, s, world.Mend{})
		if err := branch.Look(context.Background(), s, r, branch.Default); err != nil {
			t.Fatal(err)
		}
		got := "not lost"
		for _, l := range r.Losses {
			if l.Label == c.label && l.Avoidable != nil {
				got = branch.Words(l.Avoidable, l.Avoidable.Until.String())
			}
		}
		if got != c.want {
			t.Errorf("%s of %s: %s\nwant %s", c.label, c.scenario, got, c.want)
		}
	}
}

// TestABranchIsTheRunUpToItsMoment: nothing differs before anything is mended, and something
// does after.
func TestABranchIsTheRunUpToItsMoment(t *testing.T) {
	s := read(t, "minority-side")
	const moment = 2_400_000_000
	whole, mended := play(t, s, world.Mend{}), play(t, s, world.Mend{At: moment, Repairs: world.AllRepairs})
	before := func(tr *trace.Trace) (lines []string) {
		for e := range tr.All() {
			if e.At < moment-1 {
				e.Again, e.Until, e.Arrives = 0, 0, 0 // what is sent again later is counted with the first time
				lines = append(lines, fmt.Sprint(e))
			}
		}
		return lines
	}
	a, b := before(whole.Trace), before(mended.Trace)
	if len(a) == 0 || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%d events before the moment, %d in the branch, or they differ", len(a), len(b))
	}
	if whole.Lost <= mended.Lost {
		t.Errorf("%d are lost, %d of them where it is mended", whole.Lost, mended.Lost)
	}
}

// TestLimits: what the branches do not reach has no answer, and too few branches are none.
func TestLimits(t *testing.T) {
	s := read(t, "minority-side")
	for _, c := range []struct {
		limits   branch.Limits
		answered func(n, of int) bool
	}{
		{branch.Limits{Branches: 11, Events: 1 << 30}, func(n, _ int) bool { return n == 0 }},
		{branch.Limits{Branches: 64, Events: 100}, func(n, _ int) bool { return n == 0 }},
		{branch.Limits{Branches: 24, Events: 1 << 30}, func(n, of int) bool { return n > 0 && n < of }},
	} {
		r := play(t, s, world.Mend{})
		if err := branch.Look(context.Background(), s, r, c.limits); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range r.Losses {
			if l.Avoidable != nil {
				n++
			}
		}
		if !c.answered(n, len(r.Losses)) {
			t.Errorf("%+v: %d of %d losses have an answer", c.limits, n, len(r.Losses))
		}
	}
}

// TestLookEndsWithItsContext: nobody waits for branches that nobody wants any more.
func TestLookEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	s := read(t, "ddia-8-3")
	if err := branch.Look(ctx, s, play(t, s, world.Mend{}), branch.Default); err == nil {
		t.Error("branches are played though the context is over")
	}
}
