package explore

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
	"kvd/storage"
)

// long asks for the long mode: KVD_SEEDS=1000 go test ./scenarios/explore.
const long = "KVD_SEEDS"

// seeds is how many histories each resolver is played under: 50 in the short
// mode.
func seeds(t *testing.T) int {
	text := os.Getenv(long)
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: want a number of seeds", long, text)
	}
	return n
}

// TestNoPromiseBreaks explores every resolver; every other seed with the full
// panel watching.
func TestNoPromiseBreaks(t *testing.T) {
	r, err := Run(context.Background(), Config{Seeds: seeds(t), First: 1, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		t.Errorf("seed %d under %s: %s\nreplay: %s\n%s", f.Seed, f.Resolver, strings.Join(f.Broken, "\n"), f.Replay(), f.Scenario.Print())
	}
	t.Logf("%d runs, %d requests, %s of virtual time", r.Runs, r.Ops, r.Virtual)
	for _, what := range world.Happenings() {
		if r.Fired[what] == 0 {
			t.Errorf("%q never happened in %d runs: a promise that held says nothing about it", what, r.Runs)
		}
	}
	if r.Runs != seeds(t)*len(resolve.IDs()) {
		t.Errorf("%d runs, want every seed under every resolver", r.Runs)
	}
}

// TestSameSeedSameHistory plays seeds twice, with messages encoded and not: equal
// traces, event for event.
func TestSameSeedSameHistory(t *testing.T) {
	for seed := range uint64(20) {
		for _, id := range []resolve.ID{resolve.LWW, resolve.Causal, resolve.Counter} {
			a := played(t, seed, scenarios.Options{Resolver: id, Seed: seed})
			b := played(t, seed, scenarios.Options{Resolver: id, Seed: seed})
			c := played(t, seed, scenarios.Options{Resolver: id, Seed: seed, Wire: true})
			if a != b {
				t.Errorf("seed %d under %s: played twice, traces %x and %x", seed, id, a, b)
			}
			if a != c {
				t.Errorf("seed %d under %s: trace %x, and %x when messages are encoded", seed, id, a, c)
			}
		}
	}
}

// TestObjectsThatWaitShowNothing: whether objects go into a database with their batch, soon
// after it or when the leader stops, the same happens, crashes and all.
func TestObjectsThatWaitShowNothing(t *testing.T) {
	for seed := range uint64(15) {
		id := resolve.IDs()[int(seed)%len(resolve.IDs())]
		var traces []uint64
		for _, bytes := range []int64{0, 1, 300, 8 << 20} {
			traces = append(traces, played(t, seed, scenarios.Options{Resolver: id, Seed: seed, Store: func(o *storage.Options) { o.WriteBehind = bytes }}))
		}
		for _, trace := range traces[1:] {
			if trace != traces[0] {
				t.Errorf("seed %d under %s: traces %x", seed, id, traces)
			}
		}
	}
}

func played(t *testing.T, seed uint64, o scenarios.Options) uint64 {
	t.Helper()
	r, err := scenarios.Run(Generate(seed), o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Trace.Hash()
}

// TestShrinkingKeepsWhatBreaks gives the shrinker a run that breaks whenever two
// certain lines are there: it must find just those.
func TestShrinkingKeepsWhatBreaks(t *testing.T) {
	run := func(s *script.Scenario, o scenarios.Options) (*scenarios.Result, error) {
		text := string(s.Print())
		broken := strings.Contains(text, " delete ") && strings.Contains(text, " incr ")
		return &scenarios.Result{Promises: []scenarios.Promise{{Check: "the two never meet", Held: !broken, Why: "they do"}}}, nil
	}
	found, err := Run(context.Background(), Config{Seeds: 10, First: 1, Resolvers: []resolve.ID{resolve.LWW}, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Failures) == 0 {
		t.Fatal("ten seeds without a delete and an increment")
	}
	for _, f := range found.Failures {
		if len(f.Scenario.Events) != 2 {
			t.Errorf("seed %d: %d events left, want 2:\n%s", f.Seed, len(f.Scenario.Events), f.Scenario.Print())
		}
		if err := f.Scenario.Validate(); err != nil {
			t.Errorf("seed %d: shrunk to what is no scenario: %v", f.Seed, err)
		}
	}
}

// TestRunThatFailsIsAFailure: an impossible state is found and told like a broken
// promise.
func TestRunThatFailsIsAFailure(t *testing.T) {
	run := func(*script.Scenario, scenarios.Options) (*scenarios.Result, error) {
		return nil, errors.New("disk on fire")
	}
	found, err := Run(context.Background(), Config{Seeds: 1, First: 7, Resolvers: []resolve.ID{resolve.HLC}, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Failures) != 1 || !strings.Contains(found.Failures[0].Broken[0], "disk on fire") {
		t.Fatalf("failures %+v, want the one that was planted", found.Failures)
	}
	if want := "go run ./cmd/scenario explore --seed 7 --seeds 1 --resolver hlc"; found.Failures[0].Replay() != want {
		t.Errorf("replay %q, want %q", found.Failures[0].Replay(), want)
	}
}

func TestConfigIsRefused(t *testing.T) {
	if _, err := Run(context.Background(), Config{}); err == nil {
		t.Error("zero seeds were explored")
	}
}
