package world

import (
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

func TestEqualStampsAreNotCalledAhead(t *testing.T) {
	op := func(off time.Duration, n int64) *resolve.Op {
		return &resolve.Op{Wall: wallclock.Around(zero.Add(off), time.Millisecond), Lamport: logical.Lamport(n), HLC: logical.HLC{Wall: n}}
	}
	for _, id := range []resolve.ID{resolve.LWW, resolve.Lamport, resolve.HLC, resolve.Causal} {
		if got := comparison(id, op(0, 3), op(0, 3)); !strings.HasSuffix(got, ", "+tied) || strings.Contains(got, "ahead") {
			t.Errorf("%s, equal stamps: %s", id, got)
		}
		if got := comparison(id, op(0, 3), op(time.Second, 4)); strings.Contains(got, tied) {
			t.Errorf("%s, different stamps: %s", id, got)
		}
	}
}
