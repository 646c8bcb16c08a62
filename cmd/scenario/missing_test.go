package main

import (
	"errors"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/live"
)

// TestMissingRunsAreNamed: what could not be played is said with its reason and what to
// do, beside what the runs that were played came to.
func TestMissingRunsAreNamed(t *testing.T) {
	named := func(name string) scenarios.Resolver {
		id, err := scenarios.ParseResolver(name)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	slipped := live.Untold{Scenario: "relay", Resolver: named("lww"), Err: &live.SlippedError{Attempts: 6, Last: "late"}}
	only := live.Untold{Scenario: "touching", Resolver: named("interval"), Err: live.ErrOnly}
	verdict := &cliutil.Problem{What: "1 of 2 runs did not go as expected or promised", Why: "relay under hlc"}
	cases := []struct {
		untold  []live.Untold
		total   int
		verdict error
		want    []string
	}{
		{[]live.Untold{slipped}, 7, nil, []string{"1 of 7 runs could not be played: relay under lww", "late", "too busy"}},
		{[]live.Untold{only}, 1, nil, []string{"the scenario could not be played: touching under interval", "simulation only", "leave out --live"}},
		{[]live.Untold{slipped, only, slipped, slipped, slipped}, 9, verdict, []string{"5 of 9 runs", "and 1 more", "besides, 1 of 2 runs did not go"}},
	}
	for _, c := range cases {
		err := worse(liveFailure(&live.UntoldError{Runs: c.untold}, c.total), c.verdict)
		var p *cliutil.Problem
		if !errors.As(err, &p) {
			t.Fatalf("%v is not told", err)
		}
		said := strings.Join([]string{p.What, p.Why, p.Next}, "\n")
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%q does not say %q", said, want)
			}
		}
	}
	if err := worse(nil, verdict); err != error(verdict) {
		t.Errorf("nothing missing: %v", err)
	}
}
