package world_test

import (
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// busy is a crash while the store still compacts what it found at its start: a
// table that it believes synced must be there afterwards.
const busy = `
-- scenario --
name     busy
leaders  n1
client   A at=n1
at 60ms     A delete y
at 663ms    restart n1
at 686ms    restart n1
at 700ms    A incr y
at 700ms    crash n1 unsynced=torn
at 1.642s   restart n1
settle 5s
check converged
check durability = 0
`

func TestTearingSparesWhatTheStoreHadSynced(t *testing.T) {
	s, err := script.Parse("busy", []byte(busy))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(100) {
		r, err := scenarios.Run(s, scenarios.Options{Resolver: resolve.Siblings, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Promises {
			if !p.Held {
				t.Errorf("seed %d: %s: %s", seed, p.Check, p.Why)
			}
		}
	}
}
