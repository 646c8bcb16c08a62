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
	s := &replica.Status{Origin: 8, Number: 3, Wall: wallclock.Around(epoch, time.Millisecond)}
	for range 2 {
		n.cycle(replica.Received{From: "b", Message: s})
		n.now = n.now.Add(time.Second)
	}
	got := statuses(n.cycle(replica.Tick{}).Sends)
	if len(got) != 1 || got[0].Echo != (replica.Echo{Origin: 8, Number: 3, Held: 2 * time.Second}) {
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
	if got := ops(n.cycle(status(8, 2)).Sends); len(got) > 0 {
		t.Errorf("%d ops before it is due", len(got))
	}
	n.now = n.now.Add(1)
	out = n.cycle(status(8, 3))
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

// That a peer hears us is told by an echo of a Status of this life that went out after
// the last time that ops went out again. Then everything goes back at once, and not the
// first few.
func TestAnEchoTellsThatThePeerHearsUs(t *testing.T) {
	for name, c := range map[string]struct {
		life  logical.Origin
		later int
		hears bool
	}{
		"of the last Status before":     {7, 0, false},
		"of the first after":            {7, 1, true},
		"of a later one":                {7, 2, true},
		"of another life's":             {6, 1, false},
		"of another life's last before": {6, 0, false},
	} {
		n := pair(t, func(c *replica.Config) { c.BatchOps = 8 })
		n.cycle(status(8, 1))
		for range 3 {
			n.cycle(set("x", "1"))
		}
		n.now = n.now.Add(replica.Defaults().Resend - 1)
		before := statuses(n.cycle(replica.Tick{}).Sends)
		n.now = n.now.Add(1)
		n.cycle(replica.Tick{}) // everything went out again
		n.now = n.now.Add(time.Minute)
		echo := replica.Echo{Origin: c.life, Number: before[len(before)-1].Number + uint64(c.later)}
		out := n.cycle(says("b", replica.Status{Origin: 8, Number: 2, Echo: echo}))
		if got := len(ops(out.Sends)); (got == 3) != c.hears || (got == 2) == c.hears {
			t.Errorf("an echo %s: %d ops went again", name, got)
		}
	}
}

// An old Status changes nothing of what the peer has said since.
func TestAnOldStatusIsNotHeard(t *testing.T) {
	n := pair(t, nil)
	n.cycle(says("b", replica.Status{Origin: 8, Number: 2}))
	n.cycle(says("b", replica.Status{Origin: 8, Number: 1, Refused: []logical.Origin{7}}))
	if got := ops(n.cycle(set("x", "1")).Sends); len(got) != 1 {
		t.Errorf("%d ops went to a peer that refused them before", len(got))
	}
}

// relayingTo is a leader that relays origin 20 to b, which has the first op.
func relayingTo(t *testing.T) *node {
	n := pair(t, nil)
	n.cycle(status(8, 1), replica.Received{From: "c", Message: &replica.Batch{Ops: chain(20, 1, 1)}})
	n.now = n.now.Add(replica.Defaults().RelayAfter)
	if got := ops(n.cycle(status(8, 2)).Sends); len(got) != 1 {
		t.Fatalf("%d ops are relayed", len(got))
	}
	n.cycle(status(8, 3, logical.Dot{Origin: 20, Seq: 1}))
	return n
}

// chain is ops of one origin, each after the one before, from one place to another.
func chain(o logical.Origin, from, to int) (all []*resolve.Op) {
	for s := from; s <= to; s++ {
		op := begins(o)
		op.Dot.Seq, op.Lamport = logical.Seq(s), logical.Lamport(s)
		if s > 1 {
			op.Deps = logical.FrontierOf(logical.Dot{Origin: o, Seq: logical.Seq(s - 1)})
		}
		all = append(all, op)
	}
	return all
}

// All streams go back together, and those are called behind that are overdue.
func TestWhatGoesBackAndWhatIsBehind(t *testing.T) {
	n := relayingTo(t)
	n.cycle(set("x", "1"))
	n.now = n.now.Add(replica.Defaults().Resend - 1)
	if got := n.core.Stalled(n.now, nil); len(got) > 0 {
		t.Errorf("stalled a moment before: %v", got)
	}
	n.cycle(replica.Received{From: "c", Message: &replica.Batch{Ops: chain(20, 2, 2)}})
	n.now = n.now.Add(1)
	if got := n.core.Stalled(n.now, nil); len(got) != 1 || got[0] != "b" {
		t.Errorf("stalled are %v", got)
	}
	out := n.cycle(replica.Tick{})
	if got := of[replica.PeerBehind](out.Events); len(ops(out.Sends)) != 2 || len(got) != 1 || got[0].Origin != 7 {
		t.Errorf("%d ops went again, behind on %+v", len(ops(out.Sends)), got)
	}
}

// A peer is stalled once, however many of its streams are, and not while it is down or
// has all that was shipped to it.
func TestWhoIsStalled(t *testing.T) {
	n := relayingTo(t)
	n.now = n.now.Add(time.Second)
	if got := n.core.Stalled(n.now, nil); len(got) > 0 {
		t.Errorf("it has everything, and stalled are %v", got)
	}
	n.cycle(set("x", "1"), replica.Received{From: "c", Message: &replica.Batch{Ops: chain(20, 2, 2)}})
	n.now = n.now.Add(time.Second)
	if got := n.core.Stalled(n.now, nil); len(got) != 1 {
		t.Errorf("stalled are %v", got)
	}
	if err := n.core.Step(n.moment(), replica.PeerDown{Peer: "b"}, n.store, n.out); err != nil {
		t.Fatal(err)
	}
	if got := n.core.Stalled(n.now, nil); len(got) > 0 {
		t.Errorf("it is down, and stalled are %v", got)
	}
}

// An op that had to wait for its turn has the whole time from when it was shipped.
func TestWaitingForTheWindowIsNotStalling(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.WindowOps, c.BatchOps = 2, 2 })
	n.cycle(status(8, 1))
	for range 8 {
		n.cycle(set("x", "1"))
	}
	late := begins(20)
	late.Lamport = 1000
	n.cycle(replica.Received{From: "c", Message: &replica.Batch{Ops: []*resolve.Op{late}}})
	for i := range 4 {
		n.now = n.now.Add(200 * time.Millisecond)
		n.cycle(status(8, uint64(i+2), logical.Dot{Origin: 7, Seq: logical.Seq(2*i + 2)}))
	}
	n.now = n.now.Add(100 * time.Millisecond)
	if out := n.cycle(replica.Tick{}); len(of[replica.PeerBehind](out.Events)) > 0 || len(ops(out.Sends)) > 0 {
		t.Errorf("%d ops, behind %+v", len(ops(out.Sends)), of[replica.PeerBehind](out.Events))
	}
}
