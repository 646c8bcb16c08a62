package host_test

import (
	"math"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// Whatever a peer's clocks said of a value that has ended, writing over it is possible.
func TestAValueStampedAtTheEndOfTimeIsWrittenOver(t *testing.T) {
	p, _, _ := fresh(t, nil)
	last := wallclock.Interval{Earliest: 0, Latest: math.MaxInt64}
	op := &resolve.Op{Dot: logical.Dot{Origin: 99, Seq: 1}, Key: "k", Kind: resolve.Put, Value: []byte("v"), Expires: -1,
		Wall: last, HLC: logical.HLC{Wall: math.MaxInt64, Count: math.MaxUint32}, Lamport: math.MaxUint64}
	step(t, p, replica.Received{From: "n2", Message: &replica.Batch{Ops: []*resolve.Op{op}}})
	commit(t, p)
	step(t, p, set("k", "w"))
	commit(t, p)
}
