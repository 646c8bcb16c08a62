package scenarios_test

import (
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// forked is a number that one side of a partition takes 5 away from and the other
// adds 2 to; after that a third client adds 1 to what it is shown.
const forked = `
-- scenario --
name    forked
leaders n1 n2 n3
clock   * error=200ms
client  A at=n1
client  B at=n2
client  C at=n3
at 1s   A set x 10
at 2s   partition n1 | n2 | n3
at 3s   A take
at 3s   B give
at 4s   heal
at 6s   C update x +1
settle 5s
check converged
check acked = accounted
check value x = 8
`

// TestClientsMergeWithoutLosingChanges: an update that was acknowledged and then seen
// is in the number that follows, whichever value is the greatest.
func TestClientsMergeWithoutLosingChanges(t *testing.T) {
	for op, text := range map[string]string{
		"update": strings.NewReplacer("take", "update x -5", "give", "update x +2").Replace(forked),
		"incr":   strings.NewReplacer("take", "incr x by -5", "give", "incr x by 2").Replace(forked),
	} {
		s, err := script.Parse("forked.txtar", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []resolve.ID{resolve.Siblings, resolve.Interval, resolve.Counter} {
			r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Promises {
				if !p.Held {
					t.Errorf("%s under %s: %s: %s", op, id, p.Check, p.Why)
				}
			}
		}
	}
}
