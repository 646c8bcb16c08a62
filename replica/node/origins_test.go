package node

import (
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// A leader whose frontier is full turns a newcomer's writes away and serves all else:
// it says so in its status, and clients are still sent to it. Were it not ready, no
// leader of its cluster would be. One whose own origin others turn away is not.
func TestAFullLeaderStaysReady(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	n.set("k", "v")
	batch := &replica.Batch{}
	for o := logical.Origin(1); o <= limits.Origins; o++ {
		batch.Ops = append(batch.Ops, &resolve.Op{Key: "k", Kind: resolve.Put, Value: []byte{}, Dot: logical.Dot{Origin: o, Seq: 1}, Lamport: 1})
	}
	n.loop.Deliver(replica.Received{From: "n2", Message: batch})
	replicatest.Eventually(t, "the last of them is turned away", func() bool { return len(n.originStats().Refused) == 1 })
	tells := func(number uint64, refused logical.Origin) {
		n.loop.Deliver(replica.Received{From: "n3", Message: &replica.Status{Origin: 1, Number: number, Refused: []logical.Origin{refused}}})
		n.set("k", "w")
	}
	tells(1, limits.Origins)
	if why := (source{n.Leader}).Ready(); len(why) > 0 {
		t.Errorf("clients are sent elsewhere: %+v", why)
	}
	tells(2, n.origin)
	if why := (source{n.Leader}).Ready(); len(why) != 1 || why[0].Cause != console.Cause(replica.OriginsFull) {
		t.Errorf("what is written here does not reach n3, and it says %+v", why)
	}
	if s := (source{n.Leader}).Status().Origins; len(s.Refused) != 1 || s.RefusedOps != 1 {
		t.Errorf("its status says %+v", s)
	}
}
