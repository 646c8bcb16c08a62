package scenarios_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/script"
)

var update = flag.Bool("update", false, "rewrite the expect tables of the library")

// played is every scenario under every resolver, by scenario and then by resolver.
var played = sync.OnceValues(func() ([]*scenarios.Result, error) {
	all, err := library.All()
	if err != nil {
		return nil, err
	}
	return scenarios.Compare(context.Background(), all, resolve.IDs(), 1, runtime.GOMAXPROCS(0), nil)
})

// TestLibrary plays every scenario under every resolver: every table holds, every
// promise is kept, and the servers' ledgers agree with the oracle.
func TestLibrary(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	ids := resolve.IDs()
	results, err := played()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		mine := results[i*len(ids) : (i+1)*len(ids)]
		if *update {
			rewrite(t, scenarios.Update(s, mine))
			continue
		}
		for _, r := range mine {
			report(t, r)
		}
	}
}

func report(t *testing.T, r *scenarios.Result) {
	t.Helper()
	replay := "replay: go run ./cmd/scenario run " + r.Scenario + " --resolver " + r.Resolver
	if r.Expectation != scenarios.Held {
		t.Errorf("%s under %s: expectation %s; %s", r.Scenario, r.Resolver, r.Expectation, replay)
	}
	for _, p := range r.Promises {
		if !p.Held {
			t.Errorf("%s under %s: %s: %s; %s", r.Scenario, r.Resolver, p.Check, p.Why, replay)
		}
	}
}

func rewrite(t *testing.T, s *script.Scenario) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("library", s.Name+".txtar"), s.Print(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSameSeedSameTrace plays each scenario a second time under two resolvers that
// go about it differently.
func TestSameSeedSameTrace(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	first, err := played()
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenarios.Compare(context.Background(), all, []resolve.ID{resolve.LWW, resolve.Siblings}, 1, runtime.GOMAXPROCS(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range again {
		i := slices.IndexFunc(first, func(a *scenarios.Result) bool { return a.Scenario == b.Scenario && a.Resolver == b.Resolver })
		if i < 0 || first[i].Trace.Hash() != b.Trace.Hash() {
			t.Errorf("%s under %s: two runs of seed 1 differ", b.Scenario, b.Resolver)
		}
	}
}

// TestAnotherSeedAnotherTrace guards the test above against a hash that says
// nothing.
func TestAnotherSeedAnotherTrace(t *testing.T) {
	s, err := library.Find("lossy-links")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := hash(t, s, resolve.LWW, 1), hash(t, s, resolve.LWW, 2); a == b {
		t.Errorf("lossy-links: seeds 1 and 2 give the same trace %x", a)
	}
}

func hash(t *testing.T, s *script.Scenario, id resolve.ID, seed uint64) uint64 {
	t.Helper()
	r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return r.Trace.Hash()
}
