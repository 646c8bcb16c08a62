package replica_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// Whatever is lost, doubled, delayed or overtaken, and with the smallest
// windows, leaders become equal.
func TestConvergesOverBadLinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 4).Draw(t, "leaders"), func(c *replica.Config) {
			c.Policy.Default = resolve.Siblings
			c.WindowOps, c.BatchOps, c.GateOps = 4, 3, 3
		})
		w.loss = rapid.Float64Range(0, 0.5).Draw(t, "loss")
		w.twice = rapid.Float64Range(0, 0.5).Draw(t, "twice")
		w.jitter = 100 * time.Millisecond
		for i := range rapid.IntRange(1, 30).Draw(t, "writes") {
			name := rapid.SampledFrom(w.names).Draw(t, "leader")
			switch rapid.IntRange(0, 19).Draw(t, "fault") {
			case 0:
				w.restart(name)
			case 1:
				a, b := w.names[0], w.names[1]
				w.part(a, b, rapid.Bool().Draw(t, "cut"))
			}
			w.feed(name, randomWrite(t, i))
			w.run(time.Duration(rapid.IntRange(0, 200).Draw(t, "pause"))*time.Millisecond, nil)
		}
		if len(w.names) == 2 {
			w.part(w.names[0], w.names[1], false)
		}
		w.mustConverge(10 * time.Minute)
	})
}

func TestCutPairConvergesThroughTheThird(t *testing.T) {
	w := newWorld(t, 1, 3, nil)
	w.part("n1", "n2", true)
	w.feed("n1", set("x", "1"))
	w.feed("n2", set("y", "1"))
	w.mustConverge(time.Second) // RelayAfter and a few links
	if got := of[replica.PeerBehind](w.events); len(got) == 0 {
		t.Error("nobody said that it relays")
	}
	// While the relay is on, later ops do not wait.
	before := w.now
	w.feed("n1", set("x", "2"))
	w.mustConverge(100 * time.Millisecond)
	if took := w.now.Sub(before); took > 20*time.Millisecond {
		t.Errorf("a later op took %s through a relay that was on", took)
	}
}

func TestRelayStopsWhenThePeerGetsOpsElsewhere(t *testing.T) {
	w := newWorld(t, 1, 3, nil)
	w.part("n1", "n2", true)
	w.feed("n1", set("x", "1"))
	w.mustConverge(time.Second)
	w.part("n1", "n2", false)
	w.run(6*time.Second, nil)
	w.feed("n1", set("x", "2"))
	w.run(3*time.Millisecond, nil)
	w.events = nil
	w.run(time.Second, nil)
	for _, e := range of[replica.Dropped](w.events) {
		t.Errorf("shipped twice: %+v", e)
	}
	w.mustConverge(time.Second)
}

func TestWipedLeaderGetsEverythingBack(t *testing.T) {
	w := newWorld(t, 3, 3, func(c *replica.Config) { c.WindowOps, c.BatchOps, c.GateOps = 6, 6, 4 })
	for i := range 50 {
		w.feed(w.names[i%3], set(fmt.Sprint("k", i%7), fmt.Sprint(i)))
		w.run(time.Millisecond, nil)
	}
	w.mustConverge(time.Minute)
	lost := w.nodes["n2"].core.State().Origin
	w.wipe("n2")
	w.feed("n2", set("k1", "after"))
	w.mustConverge(time.Minute)
	if got := w.nodes["n2"].core.State().Frontier.At(lost); got < 16 {
		t.Errorf("the wiped leader has %d of its own old ops", got)
	}
}

// pair is a leader with a peer b that is up and played by the test.
func pair(t *testing.T, tune func(*replica.Config)) *node {
	cfg := config("a", "b")
	if tune != nil {
		tune(&cfg)
	}
	n := newNode(t, cfg, 7)
	n.cycle(replica.PeerUp{Peer: "b"})
	return n
}

func status(life logical.Origin, number uint64, has ...logical.Dot) replica.Received {
	return replica.Received{From: "b", Message: &replica.Status{Origin: life, Number: number, Frontier: logical.FrontierOf(has...)}}
}

func TestFreshOpsShipWithoutReadingTheLog(t *testing.T) {
	n := pair(t, nil)
	n.store.Log = nil // a read of the log would find nothing
	out := replica.Output{}
	for _, q := range []*replica.Request{set("x", "1"), set("y", "2")} {
		if err := n.core.Step(n.moment(), q, deaf{n.store}, &out); err != nil {
			t.Fatal(err)
		}
	}
	n.core.Ship(n.moment(), deaf{n.store}, &out)
	if got := ops(out.Sends); len(got) != 2 {
		t.Errorf("shipped %d ops, want 2", len(got))
	}
}

// deaf is a store whose log nobody may read.
type deaf struct{ replica.Reader }

func (deaf) Ops(logical.Origin, logical.Seq, int, int) []*resolve.Op { panic("the log was read") }
func (deaf) Object(key string) *resolve.Object                       { return &resolve.Object{Key: key} }

func TestNothingIsShippedTwiceWithoutReason(t *testing.T) {
	n := pair(t, nil)
	first := ops(n.cycle(set("x", "1")).Sends)
	second := ops(n.cycle(set("x", "2")).Sends)
	if len(first) != 1 || len(second) != 1 || second[0].Dot.Seq != 2 {
		t.Errorf("shipped %v, then %v", first, second)
	}
}

func TestSilenceGoesBack(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.Heartbeat = time.Hour })
	n.cycle(set("x", "1"))
	out := n.cycle(set("x", "2"))
	if want := n.now.Add(300 * time.Millisecond); out.Wake != want {
		t.Errorf("wakes at %d, the resend is due at %d", out.Wake, want)
	}
	n.now = n.now.Add(299 * time.Millisecond)
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) != 0 {
		t.Fatalf("shipped again after 299ms: %v", got)
	}
	n.now = n.now.Add(time.Millisecond)
	out = n.cycle(replica.Tick{})
	if got := ops(out.Sends); len(got) != 2 {
		t.Errorf("shipped %d ops again, want both", len(got))
	}
	if got := of[replica.PeerBehind](out.Events); len(got) != 1 || got[0] != (replica.PeerBehind{Peer: "b", Origin: 7, From: 1}) {
		t.Errorf("events %+v", got)
	}
}

// A steady stream of new ops must not put off what is missing.
func TestNewOpsDoNotPostponeTheResend(t *testing.T) {
	n := pair(t, nil)
	again := 0
	for range 40 {
		n.now = n.now.Add(10 * time.Millisecond)
		for _, op := range ops(n.cycle(set("x", "v")).Sends) {
			if op.Dot.Seq == 1 {
				again++
			}
		}
	}
	if again != 2 {
		t.Errorf("the first op was shipped %d times in 400ms without an answer, want twice", again)
	}
}

func TestWindowBoundsWhatIsInFlight(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.WindowOps, c.BatchOps = 5, 2 })
	var all []*resolve.Op
	for range 20 {
		all = append(all, ops(n.cycle(set("x", "1")).Sends)...)
	}
	if len(all) != 5 {
		t.Fatalf("%d ops in flight, want 5", len(all))
	}
	out := n.cycle(status(8, 1, logical.Dot{Origin: 7, Seq: 3}))
	if got := ops(out.Sends); len(got) != 3 || got[0].Dot.Seq != 6 {
		t.Errorf("after three were acknowledged: %v", got)
	}
	n.now = n.now.Add(time.Second)
	out = n.cycle(replica.Tick{})
	if got := ops(out.Sends); len(got) != 2 || got[0].Dot.Seq != 4 {
		t.Errorf("a silent peer is sent %d ops, want one batch from 4 on", len(got))
	}
	out = n.cycle(status(8, 2, logical.Dot{Origin: 7, Seq: 5}))
	if got := ops(out.Sends); len(got) != 5 {
		t.Errorf("after progress it is sent %d ops, want a whole window", len(got))
	}
}

func TestCatchingUpGoesInPortions(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.BatchOps, c.Heartbeat = 1, time.Hour })
	var in []replica.Input
	for range 20 {
		in = append(in, set("x", "1"))
	}
	out := n.cycle(in...)
	total := len(ops(out.Sends))
	for total < 20 && out.Wake == n.now {
		out = n.cycle(replica.Tick{})
		if got := len(ops(out.Sends)); got == 0 || got > 8 {
			t.Fatalf("%d batches in one go", got)
		}
		total += len(ops(out.Sends))
	}
	if total != 20 {
		t.Errorf("shipped %d of 20 ops without being told to wait", total)
	}
}

// relaying is a leader whose peer b has lacked c's first op for so long that c's
// ops are relayed.
func relaying(t *testing.T) (*node, []*resolve.Op) {
	n := newNode(t, config("a", "b", "c"), 8)
	all := line(t, 4)
	fromC := func(op *resolve.Op) replica.Received {
		return replica.Received{From: "c", Message: &replica.Batch{Ops: []*resolve.Op{op}}}
	}
	n.cycle(replica.PeerUp{Peer: "b"}, status(9, 1), fromC(all[0]))
	n.now = n.now.Add(499 * time.Millisecond)
	if got := ops(n.cycle(status(9, 2)).Sends); len(got) != 0 {
		t.Fatalf("relayed early: %v", got)
	}
	n.now = n.now.Add(time.Millisecond)
	if got := ops(n.cycle(status(9, 3)).Sends); len(got) != 1 {
		t.Fatalf("relayed %d ops, want one", len(got))
	}
	if got := ops(n.cycle(fromC(all[1])).Sends); len(got) != 1 {
		t.Fatalf("while relaying, a new op is not shipped at once")
	}
	return n, all
}

func TestRelayStopsWhenThePeerHasMoreThanItWasShipped(t *testing.T) {
	n, all := relaying(t)
	n.cycle(status(9, 4, logical.Dot{Origin: 7, Seq: 3}))
	out := n.cycle(replica.Received{From: "c", Message: &replica.Batch{Ops: all[2:]}})
	if got := ops(out.Sends); len(got) != 0 {
		t.Errorf("still relays %v", got)
	}
}

// A peer that is late says nothing of what it lacks, until the way back from it may be
// what was lost.
func TestWhoIsNotHeardIsSentOthersOpsLate(t *testing.T) {
	cfg := config("a", "b", "c")
	cfg.Heartbeat = time.Hour
	n := newNode(t, cfg, 8)
	out := n.cycle(replica.PeerUp{Peer: "b"}, status(9, 1), replica.Received{From: "c", Message: &replica.Batch{Ops: line(t, 1)}})
	due := n.now.Add(4 * time.Second)
	if out.Wake != due {
		t.Errorf("wakes at %d, the relay is due at %d", out.Wake, due)
	}
	n.now = due - 1
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) != 0 {
		t.Errorf("%d ops before", len(got))
	}
	n.now = due
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) != 1 {
		t.Errorf("%d ops when it is due", len(got))
	}
}

func TestBatchesAreBounded(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.BatchOps, c.BatchBytes = 3, 6+2*24 }) // an entry of the dependencies counts 24
	out := n.cycle(set("a", "1"), set("b", "2"), set("c", "3"), set("d", "four five six seven"), set("e", "56789"), set("f", "6789"))
	var got string
	for _, s := range out.Sends {
		if b, ok := s.Message.(*replica.Batch); ok {
			got += fmt.Sprint(len(b.Ops), " ")
		}
	}
	if got != "3 1 1 1 " {
		t.Errorf("batches of %sops, want 3 1 1 1", got)
	}
}

func TestStaleStatusIsIgnored(t *testing.T) {
	n := pair(t, nil)
	n.cycle(set("x", "1"))
	n.cycle(status(8, 2, logical.Dot{Origin: 7, Seq: 1}))
	n.cycle(status(8, 1)) // overtaken: would say that b lacks it
	n.now = n.now.Add(time.Second)
	if got := ops(n.cycle(replica.Tick{}).Sends); len(got) != 0 {
		t.Errorf("a stale status made it ship %v", got)
	}
}

func TestNewLifeOfAPeerIsBelievedAnew(t *testing.T) {
	n := pair(t, nil)
	n.cycle(set("x", "1"))
	n.cycle(status(8, 5, logical.Dot{Origin: 7, Seq: 1}))
	out := n.cycle(status(9, 1)) // lost it
	if got := ops(out.Sends); len(got) != 1 {
		t.Errorf("the new life lacks an op and is shipped %v", got)
	}
}

func TestDownPeerIsNotShippedTo(t *testing.T) {
	n := pair(t, nil)
	n.cycle(set("x", "1"))
	n.cycle(replica.PeerDown{Peer: "b"})
	if out := n.cycle(set("x", "2")); len(out.Sends) != 0 || out.Wake != replica.Never {
		t.Errorf("sends %v, wakes at %d", out.Sends, out.Wake)
	}
	if got := ops(n.cycle(replica.PeerUp{Peer: "b"}).Sends); len(got) != 2 {
		t.Errorf("up again, shipped %d ops, want both", len(got))
	}
}

func TestHeartbeatAndAcknowledgement(t *testing.T) {
	cfg := config("a", "b")
	n := newNode(t, cfg, 8)
	if got := statuses(n.cycle(replica.PeerUp{Peer: "b"}).Sends); len(got) != 1 {
		t.Fatalf("a peer that came up is greeted %d times", len(got))
	}
	out := n.cycle(replica.Tick{})
	if len(out.Sends) != 0 || out.Wake != n.now.Add(200*time.Millisecond) {
		t.Errorf("idle: sends %v, wakes at %d", out.Sends, out.Wake)
	}
	n.now = out.Wake
	if got := statuses(n.cycle(replica.Tick{}).Sends); len(got) != 1 || got[0].Number != 2 {
		t.Errorf("heartbeat %+v", got)
	}
	all := line(t, 2)
	from := func(op *resolve.Op) replica.Received {
		return replica.Received{From: "b", Message: &replica.Batch{Ops: []*resolve.Op{op}}}
	}
	got := statuses(n.cycle(from(all[0]), from(all[1])).Sends)
	if len(got) != 1 || got[0].Frontier.At(7) != 2 {
		t.Errorf("two batches are acknowledged %+v", got)
	}
	if got := statuses(n.cycle(from(all[0])).Sends); len(got) != 1 {
		t.Error("a duplicate is not acknowledged, though the first answer may be lost")
	}
}

// Ops of several origins go in causal order, so that the gate holds none.
func TestRelayShipsInCausalOrder(t *testing.T) {
	w := newWorld(t, 1, 3, func(c *replica.Config) { c.BatchOps = 4 })
	w.part("n1", "n4", true)
	for i := range 30 {
		w.feed(w.names[i%3], set("x", fmt.Sprint(i)))
		w.run(20*time.Millisecond, nil)
	}
	n := newNode(t, config("n4", "n1"), 99)
	a := w.nodes["n1"]
	a.cycle(replica.PeerUp{Peer: "n4"}, replica.Received{From: "n4", Message: &replica.Status{Origin: 99, Number: 1}})
	a.cycle(replica.PeerDown{Peer: "n4"}, replica.PeerDown{Peer: "n2"}, replica.PeerDown{Peer: "n3"}, replica.PeerUp{Peer: "n4"})
	a.now = a.now.Add(time.Second)
	out := a.cycle(replica.Received{From: "n4", Message: &replica.Status{Origin: 99, Number: 2}})
	for _, s := range out.Sends {
		if s.To != "n4" {
			continue
		}
		got := n.cycle(replica.Received{From: "n1", Message: s.Message})
		if held := of[replica.Buffered](got.Events); len(held) != 0 {
			t.Fatalf("held %v", held)
		}
	}
	if got := n.core.State().Frontier; got.Len() != 3 {
		t.Errorf("relayed %s, want ops of three origins", got)
	}
}

// A peer that stays away costs no memory: nothing is queued for it.
func TestSlowPeerQueuesNothing(t *testing.T) {
	n := pair(t, func(c *replica.Config) { c.WindowOps = 10 })
	for range 1000 {
		out := n.cycle(set("x", "1"))
		n.now = n.now.Add(time.Millisecond)
		if len(ops(out.Sends)) > 10 {
			t.Fatalf("%d ops at once", len(ops(out.Sends)))
		}
	}
	if got := n.core.Buffered(); got > 10 {
		t.Errorf("the core keeps %d ops for a peer that does not answer", got)
	}
}
