package live

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/script"
)

// touching is two writes whose intervals are 4 ms to each side of 1 s and of 1.008 s:
// they meet in one instant.
const touching = `
-- scenario --
name    touching
leaders n1 n2
clock   * error=4ms
link    * delay=50ms
client  A at=n1
client  B at=n2
at 1s       A set x 1   as first
at 1.008s   B set x 2   as second
settle 1s
-- expect --
resolver  x  acked
lww       2  2
interval  1|2  2
`

// equal is two writes of one instant.
var equal = strings.ReplaceAll(touching, "1.008s", "1s")

// TestWhatNoTwoClocksDoIsRefusedBeforeAnythingRuns and not after six attempts: the
// machine is not too busy. Resolvers that do not go by it can be played.
func TestWhatNoTwoClocksDoIsRefusedBeforeAnythingRuns(t *testing.T) {
	cases := []struct {
		text string
		id   resolve.ID
		says string
	}{
		{touching, resolve.Interval, "the intervals of first and second touch"},
		{touching, resolve.LWW, ""},
		{touching, resolve.Siblings, ""},
		{equal, resolve.LWW, "the stamps of first and second are equal"},
		{equal, resolve.Interval, ""},
		{equal, resolve.Counter, ""},
	}
	for _, c := range cases {
		s := parse(t, c.text)
		_, err := Run(context.Background(), s, Options{Resolver: c.id, Seed: 1, Binary: "/nowhere/kvd", Dir: t.TempDir()})
		if only := errors.Is(err, ErrOnly); only != (c.says != "") || only && !strings.Contains(err.Error(), c.says) {
			t.Errorf("under %s: %v, expected %q", c.id, err, c.says)
		}
	}
}

// TestTheLibraryHangsOnNothingThatExact, but for what says so by itself.
func TestTheLibraryHangsOnNothingThatExact(t *testing.T) {
	for _, name := range library.Names() {
		s, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		p := PlanFor(s)
		if p.Only != "" || p.Loose {
			continue
		}
		for _, id := range []resolve.ID{resolve.LWW, resolve.Interval} {
			policy := resolve.Policy{Default: id}
			ref, err := attempt.Refer(scale(s, p.Factor), policy, 1)
			if err != nil {
				t.Fatal(err)
			}
			if how := ref.Exact(&policy); how != "" {
				t.Errorf("%s under %s: %s", name, id, how)
			}
		}
	}
}

// TestCompareKeepsWhatWasTold: a run that cannot be told is named, and the others are
// there.
func TestCompareKeepsWhatWasTold(t *testing.T) {
	names := (&UntoldError{[]Untold{{"touching", resolve.Interval, ErrOnly}}}).Names()
	if len(names) != 1 || names[0] != "touching under interval" {
		t.Errorf("names %q", names)
	}
	told := 0
	results, err := Compare(context.Background(), []*script.Scenario{parse(t, touching), parse(t, equal)}, []resolve.ID{resolve.Interval, resolve.LWW},
		Options{Seed: 1, Dir: t.TempDir(), run: func(_ context.Context, s *script.Scenario, o Options) (*scenarios.Result, error) {
			if o.Resolver == resolve.Interval {
				return nil, &SlippedError{6, "whatever"}
			}
			told++
			return &scenarios.Result{Scenario: s.Name}, nil
		}}, nil)
	var untold *UntoldError
	if !errors.As(err, &untold) || len(untold.Runs) != 2 || len(results) != 2 || told != 2 {
		t.Errorf("%d results, %d told, %v", len(results), told, err)
	}
	broken := errors.New("no such program")
	results, err = Compare(context.Background(), []*script.Scenario{parse(t, touching)}, []resolve.ID{resolve.LWW, resolve.HLC, resolve.Causal},
		Options{run: func(_ context.Context, s *script.Scenario, o Options) (*scenarios.Result, error) {
			if o.Resolver == resolve.HLC {
				return nil, broken
			}
			return &scenarios.Result{Scenario: s.Name}, nil
		}}, nil)
	if !errors.Is(err, broken) || len(results) != 1 {
		t.Errorf("%d results, %v", len(results), err)
	}
}
