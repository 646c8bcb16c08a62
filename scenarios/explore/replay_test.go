package explore

import (
	"context"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// TestHistoriesReplayFromTheirText: what an explored history depends on is in its
// text, but for the resolver.
func TestHistoriesReplayFromTheirText(t *testing.T) {
	var policies, settings, shadows, picks int
	for seed := range uint64(24) {
		s := Generate(seed)
		again, err := script.Parse("again", s.Print())
		if err != nil {
			t.Fatal(err)
		}
		id := resolve.IDs()[int(seed)%len(resolve.IDs())]
		var hashes []uint64
		h := hunt{Config: Config{Run: func(s *script.Scenario, o scenarios.Options) (*scenarios.Result, error) {
			r, err := scenarios.Run(s, o)
			if err == nil {
				hashes = append(hashes, r.Trace.Hash())
			}
			return r, err
		}}}
		h.play(s, id, seed)
		r, err := scenarios.Run(again, scenarios.Options{Resolver: id})
		if err != nil {
			t.Fatal(err)
		}
		if len(hashes) != 1 || hashes[0] != r.Trace.Hash() {
			t.Errorf("seed %d under %s: explored %x, replayed from its text %x", seed, id, hashes, r.Trace.Hash())
		}
		policies += len(s.Policies)
		shadows += len(s.Shadows)
		if s.Settings != (script.Settings{}) {
			settings++
		}
		for _, p := range s.Policies {
			if p.Pick {
				picks++
			}
		}
	}
	if policies == 0 || settings == 0 || shadows == 0 || picks == 0 {
		t.Errorf("%d policies, %d settings, %d shadows, %d picks: these histories show nothing", policies, settings, shadows, picks)
	}
}

// TestExplorationEndsAtABoundOfFailures: and tells of each as it is found.
func TestExplorationEndsAtABoundOfFailures(t *testing.T) {
	run := func(s *script.Scenario, o scenarios.Options) (*scenarios.Result, error) {
		return &scenarios.Result{Promises: []scenarios.Promise{{Check: "never", Why: "always"}}}, nil
	}
	told := 0
	c := Config{Seeds: 1000, First: 1, Resolvers: []resolve.ID{resolve.LWW}, Run: run, MaxFailures: 3, Found: func(f *Failure) {
		if told++; !strings.Contains(string(f.Scenario.Print()), "breaks never under lww") {
			t.Errorf("told of %s", f.Scenario.Title)
		}
	}}
	r, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Failures) != 3 || told != 3 || !r.Stopped || r.Seeds > 4 {
		t.Errorf("%d failures, %d told of, in %d seeds, stopped: %t", len(r.Failures), told, r.Seeds, r.Stopped)
	}
	if c.MaxFailures = -1; c.Validate() == nil {
		t.Error("a bound below zero was accepted")
	}
}
