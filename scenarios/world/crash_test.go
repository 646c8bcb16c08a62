package world_test

import (
	"fmt"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// midway is a write that arrives in the instant in which its leader crashes:
// written, and neither synced nor acknowledged.
const midway = `
-- scenario --
name     midway
leaders  n1 n2
client   A at=n1
at 1s   A set x 1
at 2s   A set x 2
at 2s   crash n1 unsynced=%s
at 3s   restart n1
settle 5s
check converged
check durability = 0
`

// shows plays midway and returns what both leaders show in the end.
func shows(t *testing.T, fate string, seed uint64) string {
	t.Helper()
	s, err := script.Parse("midway", fmt.Appendf(nil, midway, fate))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.LWW, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Promises {
		if !p.Held {
			t.Errorf("unsynced=%s, seed %d: %s: %s", fate, seed, p.Check, p.Why)
		}
	}
	return r.Cell("x")
}

func TestACrashKeepsLosesOrTearsWhatIsNotSynced(t *testing.T) {
	torn := map[string]int{}
	for seed := range uint64(20) {
		if got := shows(t, "keep", seed); got != "2" {
			t.Errorf("unsynced=keep, seed %d: x = %s, want the write that was not acknowledged", seed, got)
		}
		if got := shows(t, "lose", seed); got != "1" {
			t.Errorf("unsynced=lose, seed %d: x = %s, want only what was acknowledged", seed, got)
		}
		got := shows(t, "torn", seed)
		torn[got]++
		if again := shows(t, "torn", seed); again != got {
			t.Errorf("unsynced=torn, seed %d: x = %s, and %s the second time", seed, got, again)
		}
	}
	if torn["1"] == 0 || torn["2"] == 0 || torn["1"]+torn["2"] != 20 {
		t.Errorf("unsynced=torn leaves x at %v; want either, never anything else", torn)
	}
}
