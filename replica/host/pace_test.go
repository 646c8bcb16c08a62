package host_test

import (
	"sync/atomic"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/replicatest"
	"kvd/wallclock"
)

// hands is a clock that is set.
type hands struct{ ms atomic.Int64 }

func (h *hands) Now() wallclock.Moment { return at(h.ms.Load()) }

// A call is held while a peer is late, and is done all the same.
func TestCallsAreHeldWhileAPeerIsLate(t *testing.T) {
	pump, _, _ := fresh(t, nil)
	clock, held := &hands{}, time.Duration(0)
	l := start(t, pump, host.LoopConfig{Clock: clock, SweepEvery: -1, Held: func(d time.Duration) { held += d }})
	own, number := pump.State().Origin, uint64(0)
	acknowledge := func(seq logical.Seq) {
		number++
		has := logical.Dot{Origin: own, Seq: seq}
		l.Deliver(replica.Received{From: "n2", Message: &replica.Status{Origin: 9, Number: number, Frontier: logical.FrontierOf(has)}})
		replicatest.Eventually(t, "the acknowledgement is taken", func() bool {
			p := l.Status().Peers
			return len(p) > 0 && p[0].Known.Includes(logical.FrontierOf(has))
		})
	}
	l.Deliver(replica.PeerUp{Peer: "n2"})
	write := func(ms int64) {
		clock.ms.Store(ms)
		l.must(set("x", "1"))
	}
	write(0)
	acknowledge(1)
	write(20)
	acknowledge(2)
	write(40)
	if held != 0 {
		t.Errorf("held for %s while all is well", held)
	}
	clock.ms.Store(240)
	acknowledge(3)
	write(240)
	if held == 0 {
		t.Error("not held though the peer took 200 ms longer than before")
	}
}
