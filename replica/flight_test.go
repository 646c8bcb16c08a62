package replica_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// Large ops fill the window long before many of them are in flight; what is
// acknowledged makes room for as much.
func TestWindowBoundsBytesInFlight(t *testing.T) {
	const large, window = 100_000, 500_000
	n := pair(t, func(c *replica.Config) { c.WindowBytes, c.BatchBytes = window, 150_000 })
	value := strings.Repeat("v", large)
	var all []*resolve.Op
	for range 20 {
		all = append(all, ops(n.cycle(set("x", value)).Sends)...)
	}
	if got := len(all); got < window/(large+400) || got > window/large+1 {
		t.Fatalf("%d ops of about 100 kB in flight, the window is %d", got, window)
	}
	sent := len(all)
	out := n.cycle(status(8, 1, logical.Dot{Origin: 7, Seq: 2}))
	if got := ops(out.Sends); len(got) != 2 || got[0].Dot.Seq != logical.Seq(sent+1) {
		t.Errorf("after two were acknowledged %d went", len(got))
	}
	if out.Wake == n.now {
		t.Error("it asks to be woken at once, with a full window")
	}
	n.now = n.now.Add(time.Second)
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) == 0 || len(got) > 2 || got[0].Dot.Seq != 3 {
		t.Errorf("a silent peer is sent %d ops, want about one message", len(got))
	}
	if got := ops(n.cycle(status(8, 2, logical.Dot{Origin: 7, Seq: 20})).Sends); len(got) != 0 {
		t.Errorf("a peer that has everything is sent %d ops", len(got))
	}
	if got := ops(n.cycle(set("x", strings.Repeat("v", 2*window))).Sends); len(got) != 1 {
		t.Errorf("an op larger than the window goes alone: %d went", len(got))
	}
	if got := ops(n.cycle(set("x", "y")).Sends); len(got) != 0 {
		t.Errorf("%d went beside it", len(got))
	}
}

// Evidence counts: ops that name many dots fill a message as values do.
func TestBatchesCountEvidence(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.BatchBytes = 4096 })
	var shown []logical.Dot
	over := func() *replica.Request {
		q := set("x", "v")
		q.Exact, q.Shown = true, slices.Clone(shown)
		return q
	}
	for range 100 {
		shown = append(shown, n.ask(set("x", "v")).Dot)
	}
	n.cycle(status(8, 1, logical.Dot{Origin: 7, Seq: 100}))
	out := n.cycle(over(), over(), over(), set("y", "v"))
	var sizes []int
	for _, s := range out.Sends {
		if b, ok := s.Message.(*replica.Batch); ok {
			sizes = append(sizes, len(b.Ops))
		}
	}
	if !slices.Equal(sizes, []int{1, 1, 2}) {
		t.Errorf("messages of %v ops, three of which name a hundred dots", sizes)
	}
}

// An op that no message could carry is told, with the peer, and stops what comes
// after it of its origin; other origins go on, and so does this one when the peer
// got the op elsewhere.
func TestUnsendableOpIsTold(t *testing.T) {
	cfg := config("a", "b")
	n := newNode(t, cfg, 7)
	n.cycle(set("a", "1"), set("b", strings.Repeat("v", 1000)), set("c", "2"))
	cfg.OpBytes = 1000 // from now on
	n.begin(cfg, n.core.State())
	out := n.cycle(replica.PeerUp{Peer: "b"})
	if got := ops(out.Sends); len(got) != 1 || got[0].Dot.Seq != 1 {
		t.Fatalf("%d ops went, want the one before", len(got))
	}
	told := of[replica.Unsendable](out.Events)
	if len(told) != 1 || told[0].Peer != "b" || told[0].Op.Dot != (logical.Dot{Origin: 7, Seq: 2}) || told[0].Op.Key != "b" || told[0].Op.Limit != 1000 || told[0].Op.Bytes <= 1000 {
		t.Fatalf("told %+v", told)
	}
	for range 5 {
		n.now = n.now.Add(time.Second)
		out = n.cycle(replica.Tick{}, set("d", "3"))
		if again := of[replica.Unsendable](out.Events); len(again) != 0 {
			t.Errorf("told again: %+v", again)
		}
		if out.Wake == n.now {
			t.Error("it asks to be woken at once, with nothing that could be sent")
		}
	}
	if v := n.core.Peers(nil); v[0].Unsendable != told[0].Op {
		t.Errorf("of the peer it is said %+v", v[0].Unsendable)
	}
	n.cycle(replica.PeerDown{Peer: "b"})
	if again := of[replica.Unsendable](n.cycle(replica.PeerUp{Peer: "b"}).Events); len(again) != 1 {
		t.Errorf("told %d times to a peer that is up again", len(again))
	}
	out = n.cycle(status(8, 1, logical.Dot{Origin: 7, Seq: 2}))
	if got := ops(out.Sends); len(got) != 6 || got[0].Dot.Seq != 3 {
		t.Errorf("the peer got it elsewhere, and %d ops go on", len(got))
	}
	if v := n.core.Peers(nil); !v[0].Unsendable.Dot.IsZero() {
		t.Errorf("of the peer it is still said %+v", v[0].Unsendable)
	}
}

// What a peer could not be sent is not admitted: the evidence of a write counts
// beside its value.
func TestWhatCannotBeSentIsRefused(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.OpBytes = 1000 })
	n.ask(set("x", strings.Repeat("v", 700)))
	rep := n.ask(set("x", strings.Repeat("v", 700)))
	if !errors.Is(rep.Err, replica.ErrBadRequest) || !strings.Contains(rep.Err.Error(), "at most 1000") {
		t.Errorf("answered %v", rep.Err)
	}
	if got := ops(n.cycle(set("x", strings.Repeat("v", 600))).Sends); len(got) != 1 {
		t.Errorf("%d ops went", len(got))
	}
	if got := n.core.Peers(nil)[0].Unsendable; !got.Dot.IsZero() {
		t.Errorf("unsendable: %+v", got)
	}
}

// What is on its way to a peer that turns its origin away will never be acknowledged.
// It leaves the window, so that what the peer does take still reaches it.
func TestWhatIsTurnedAwayLeavesTheWindow(t *testing.T) {
	const window = 10_000
	n := pair(t, func(c *replica.Config) { c.WindowBytes = window })
	n.cycle(set("x", strings.Repeat("v", window)))
	n.cycle(replica.Received{From: "a", Message: &replica.Batch{Ops: []*resolve.Op{begins(20)}}})
	turnsAway := func(number uint64) replica.Received {
		return says("b", replica.Status{Origin: 8, Number: number, Refused: []logical.Origin{7}})
	}
	n.cycle(turnsAway(1))
	var got []*resolve.Op
	for i := range uint64(3) {
		n.now = n.now.Add(replica.Defaults().RelayAfter)
		got = append(got, ops(n.cycle(turnsAway(2+i)).Sends)...)
	}
	if len(got) == 0 || got[0].Dot.Origin != 20 {
		t.Errorf("of what it takes it is sent %d ops", len(got))
	}
	if v := n.core.Peers(nil); v[len(v)-1].InFlight > 1 {
		t.Errorf("%d ops are in flight", v[len(v)-1].InFlight)
	}
}

// What the link says is on its way is not shipped again as long as it moves; once it
// stands still, or nothing is on its way, it has been lost.
func TestWhatIsUnderwayIsNotShippedAgain(t *testing.T) {
	n := pair(t, func(*replica.Config) {})
	n.cycle(set("x", "1"))
	resend := replica.Defaults().Resend
	again := func(bytes int) bool {
		for len(n.core.Stalled(n.now, nil)) == 0 {
			n.pass(resend)
		}
		var told []replica.Input
		for _, p := range n.core.Stalled(n.now, nil) {
			told = append(told, replica.Underway{Peer: p, Bytes: bytes})
		}
		return len(ops(n.cycle(told...).Sends)) > 0
	}
	for _, bytes := range []int{5000, 4000, 3000} {
		if again(bytes) {
			t.Errorf("with %d bytes under way it went again", bytes)
		}
	}
	if !again(3000) {
		t.Error("what stands still did not go again")
	}
	if again(2000) {
		t.Error("it moves again, and went again")
	}
	if !again(0) {
		t.Error("with nothing under way it did not go again")
	}
}

// What is large is on its way for longer: it is not shipped again while it may
// still be, and a small op is as soon as ever.
func TestLargeOpsAreGivenTime(t *testing.T) {
	for _, c := range []struct {
		size   int
		within time.Duration
	}{{10, 0}, {8 << 20, 950 * time.Millisecond}} {
		n := pair(t, func(*replica.Config) {})
		if got := ops(n.cycle(set("x", strings.Repeat("v", c.size))).Sends); len(got) != 1 {
			t.Fatalf("%d bytes: %d ops went", c.size, len(got))
		}
		resend := replica.Defaults().Resend
		began := n.now
		for n.now = n.now.Add(10 * time.Millisecond); ; n.now = n.now.Add(10 * time.Millisecond) {
			if len(ops(n.cycle(replica.Tick{}).Sends)) > 0 {
				break
			}
		}
		if took := n.now.Sub(began); took < resend+c.within || took > resend+c.within+100*time.Millisecond {
			t.Errorf("%d bytes went again after %s, expected %s", c.size, took, resend+c.within)
		}
	}
}
