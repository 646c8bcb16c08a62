package scenarios_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// expiring is a story of values that end, in which leaders crash and clocks jump, and clients
// write over what has ended, has not, or is about to.
func expiring(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("-- scenario --\nname expiring\ntitle t\nmodel timing=asynchronous nodes=crash-recovery\nleaders n1 n2 n3\nclock * error=10ms\n")
	fmt.Fprintf(&b, "link * delay=%dms\n", 1+r.IntN(800))
	for n := 1; n <= 3; n++ {
		fmt.Fprintf(&b, "client C%d at=n%d%s timeout=1s retry=next\n", n, n, []string{"", " session"}[r.IntN(2)])
	}
	for i := range 40 {
		at, who, key := 1000+r.IntN(15000), 1+r.IntN(3), r.IntN(3)
		fmt.Fprintf(&b, "at %dms C%d ", at, who)
		switch r.IntN(10) {
		case 0, 1:
			fmt.Fprintf(&b, "set k%d %d", key, i)
		case 2, 3:
			fmt.Fprintf(&b, "expire k%d %dms", key, 1+r.IntN(4000))
		case 4:
			fmt.Fprintf(&b, "persist k%d", key)
		case 5:
			fmt.Fprintf(&b, "delete k%d", key)
		case 6:
			fmt.Fprintf(&b, "incr k%d", key)
		case 7:
			fmt.Fprintf(&b, "update k%d +1", key)
		default:
			fmt.Fprintf(&b, "get k%d", key)
		}
		fmt.Fprintf(&b, " as w%d\n", i)
	}
	n := 1 + r.IntN(3)
	fmt.Fprintf(&b, "at 5s clock n%d step=%+ds\nat 8s crash n%d\nat 12s restart n%d\n", n, r.IntN(9)-4, n, n)
	return b.String() + "settle 20s\ncheck converged\ncheck acked = accounted for siblings\n"
}

// Whatever ends, is written over or lives on, under every rule: the oracle and the leaders
// agree about every write.
func TestWhatEndsIsAccountedFor(t *testing.T) {
	ended := 0
	for seed := range uint64(6) {
		text := expiring(rand.New(rand.NewPCG(seed, 2)))
		s, err := script.Parse("expiring", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range resolve.IDs() {
			res, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: seed + 1})
			if err != nil {
				t.Fatalf("seed %d under %s: %v\n%s", seed, id, err, text)
			}
			for _, p := range res.Promises {
				if !p.Held {
					t.Errorf("seed %d under %s: %s: %s\n%s", seed, id, p.Check, p.Why, text)
				}
			}
			for _, q := range res.History.Calls {
				if strings.HasPrefix(q.Label, "end of ") {
					ended++
				}
			}
		}
	}
	if ended < 20 {
		t.Errorf("%d values ended: the test sees nothing", ended)
	}
}
