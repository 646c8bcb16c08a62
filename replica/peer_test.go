package replica_test

import (
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// The first Status of a peer tells that it is there, though it has nothing: what was
// shipped to it is given the whole time from then on.
func TestTheFirstStatusIsProgress(t *testing.T) {
	n := pair(t, nil)
	n.cycle(set("x", "1"))
	resend := replica.Defaults().Resend
	n.now = n.now.Add(resend - 1)
	n.cycle(status(8, 1))
	n.now = n.now.Add(resend - 1)
	n.cycle(status(8, 2)) // the second tells nothing new
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) > 0 {
		t.Errorf("%d ops went again a moment before the time is over", len(got))
	}
	n.now = n.now.Add(1)
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) != 1 {
		t.Errorf("%d ops went again when it was", len(got))
	}
}

// A Status that comes twice is taken once: what is echoed of it counts from the first.
func TestAStatusIsTakenOnce(t *testing.T) {
	n := pair(t, nil)
	s := &replica.Status{Life: 8, Number: 3, Wall: wallclock.Around(epoch, time.Millisecond)}
	for range 2 {
		n.cycle(replica.Received{From: "b", Message: s})
		n.now = n.now.Add(time.Second)
	}
	got := statuses(n.cycle(replica.Tick{}).Sends)
	if len(got) != 1 || got[0].Echo != (replica.Echo{Life: 8, Number: 3, Held: 2 * time.Second}) {
		t.Errorf("echoed is %+v", got[0].Echo)
	}
}

// What is known of a peer's clock stays known when its next Status took longer.
func TestASlowStatusTakesNothingBack(t *testing.T) {
	a, b := clocks(t, 0)
	for range 3 {
		beat(a, b, time.Millisecond)
	}
	beat(a, b, 150*time.Millisecond)
	within(t, a, 0, 10*time.Millisecond)
}

// silent is a leader whose peer b is silent and has been shipped to again once; b is
// known to have nothing.
func silent(t *testing.T, tune func(*replica.Config)) *node {
	n := pair(t, tune)
	n.cycle(status(8, 1))
	for range 3 {
		n.cycle(set("x", "1"))
	}
	n.now = n.now.Add(replica.Defaults().Resend)
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) != 3 {
		t.Fatalf("%d ops went again, want 3", len(got))
	}
	return n
}

// A probe ships again what is in flight, of each stream, and says for those that are
// overdue that the peer is behind.
func TestAProbeIsOfWhatIsInFlight(t *testing.T) {
	n := silent(t, func(c *replica.Config) { c.RelayAfter = 250 * time.Millisecond })
	resend := replica.Defaults().Resend
	n.now = n.now.Add(resend)
	other := begins(20)
	n.cycle(replica.Received{From: "c", Message: &replica.Batch{Ops: []*resolve.Op{other}}})
	n.now = n.now.Add(resend)
	out := n.cycle(replica.Tick{})
	if got := ops(out.Sends); len(got) != 3 || got[0].Dot != (logical.Dot{Origin: 7, Seq: 1}) {
		t.Errorf("probed with %d ops", len(got))
	}
	if got := of[replica.PeerBehind](out.Events); len(got) != 1 || got[0] != (replica.PeerBehind{Peer: "b", Origin: 7, From: 1}) {
		t.Errorf("behind: %+v", got)
	}
	// The relayed stream was not in flight, so that its time goes on: it is due
	// RelayAfter, four times as long by now, after the op came.
	n.now = n.now.Add(4*250*time.Millisecond - resend - 1)
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) > 0 {
		t.Errorf("%d ops before it is due", len(got))
	}
	n.now = n.now.Add(1)
	out = n.cycle(replica.Tick{})
	if got := of[replica.PeerBehind](out.Events); len(got) != 1 || got[0].Origin != 20 {
		t.Errorf("when it is due: %+v", got)
	}
	// Now it is in flight. It is not overdue when our own ops are, and is probed with
	// them all the same.
	n.now = n.now.Add(4*resend - (4*250*time.Millisecond - resend))
	out = n.cycle(replica.Tick{})
	if got := of[replica.PeerBehind](out.Events); len(got) != 1 || got[0].Origin != 7 {
		t.Errorf("when our own ops are overdue: %+v", got)
	}
}

// A log that cannot be read makes no empty probe.
func TestAProbeIsNotEmpty(t *testing.T) {
	n := silent(t, nil)
	clear(n.store.Log)
	n.now = n.now.Add(time.Minute)
	for _, s := range n.cycle(replica.Tick{}).Sends {
		if b, ok := s.Message.(*replica.Batch); ok {
			t.Errorf("a batch of %d ops", len(b.Ops))
		}
	}
}
