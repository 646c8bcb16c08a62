package link

import (
	"context"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kvd/logical"
	"kvd/replica/wire"
)

// One peer that takes nothing: what is kept for it is bounded at both ends, the
// others do not notice, and it gets what was kept when it wakes.
func TestSlowReceiverIsBounded(t *testing.T) {
	const window, queue, one = 32 << 10, 64 << 10, 4000
	small := func(c *Config) { c.Window, c.SendQueueBytes, c.FrameBytes = window, queue, 8<<10 }
	a, slow, good := start(t, "a", small), start(t, "slow", small), start(t, "good", small)
	joined(a, slow, good)
	slow.hold("a")
	sent, most := 0, 0
	for full := false; !full; {
		sent++
		a.mesh.Send("slow", a.batch(sent, sent, one))
		a.mesh.Send("good", a.batch(sent, sent, one))
		good.awaitOps("a", sent)
		p := a.mesh.Stats().peer("slow")
		most, full = max(most, p.QueuedBytes), p.Dropped.Full > 0
		if used := slow.inboxCharge("a"); used > window+8<<10+one {
			t.Fatalf("the slow one keeps %d of a window of %d", used, window)
		}
	}
	if most > queue+one+1000 {
		t.Fatalf("%d bytes were queued, the limit is %d", most, queue)
	}
	if e := a.awaitEvent(QueueFull, "slow"); e.Count == 0 {
		t.Fatal("a full queue that dropped nothing")
	}
	slow.ungate()
	slow.awaitOps("a", sent-1)
}

// A sender stops when its credit is used up, and goes on when the Sink has taken
// a part.
func TestCreditStallsAndResumes(t *testing.T) {
	const window = 20 << 10
	a := start(t, "a", func(c *Config) { c.IdleTimeout = time.Hour })
	b := start(t, "b", func(c *Config) { c.Window, c.IdleTimeout = window, time.Hour }) // no sign of life carries credit
	joined(a, b)
	b.hold("a")
	for i := range 40 {
		a.mesh.Send("b", a.batch(i+1, i+1, 1000))
	}
	a.awaitStats("no credit left", func(s Stats) bool { return s.peer("b").Credit <= 0 })
	stalled := a.mesh.Stats().peer("b")
	if least, most := uint64(window/1400), uint64(window/1256+1); stalled.OpsOut < least || stalled.OpsOut > most {
		t.Fatalf("%d ops of about 1300 left on a credit of %d", stalled.OpsOut, window)
	}
	b.allow("a", 10)
	a.awaitStats("more sent", func(s Stats) bool { return s.peer("b").OpsOut >= stalled.OpsOut+4 })
	b.ungate()
	b.awaitOps("a", 40)
}

// A status waits neither behind batches that have no credit nor behind batches
// that the Sink has not taken.
func TestStatusOvertakesBulk(t *testing.T) {
	a := start(t, "a")
	b := start(t, "b", func(c *Config) { c.Window = 16 << 10 })
	joined(a, b)
	b.hold("a")
	for i := range 60 {
		a.mesh.Send("b", a.batch(i+1, i+1, 1000))
	}
	a.awaitStats("no credit left", func(s Stats) bool { return s.peer("b").Credit <= 0 })
	b.await("a batch in progress", func() bool { return b.held == 1 })
	for i := range 5 {
		a.mesh.Send("b", a.status(uint64(i+1)))
	}
	b.await("the newest status in", func() bool {
		b.mesh.mu.RLock()
		defer b.mesh.mu.RUnlock()
		in := b.mesh.inbound["a"]
		in.mu.Lock()
		defer in.mu.Unlock()
		return in.status != nil && in.status.Number == 5
	})
	b.allow("a", 2)
	b.await("two messages", func() bool { return len(b.got) == 2 })
	b.mu.Lock()
	got := b.statuses("a")
	b.mu.Unlock()
	if !slices.Equal(got, []uint64{5}) {
		t.Fatalf("after the batch in progress came statuses %v, want the newest alone", got)
	}
}

func TestBatchWithoutCreditEndsTheConnection(t *testing.T) {
	a := start(t, "a", func(c *Config) { c.Window = 4 << 10 })
	a.hold("b")
	b := start(t, "b")
	join(a, b)
	b.close()
	a.awaitTurns("-b")
	g := visit(t, a, "b")
	greet(g)
	enc, out := wire.NewEncoder(g.cfg.wire()), []byte(nil)
	for i := range 3 {
		out, _, _ = enc.Batch(out, b.batch(i+1, i+1, 5000).Ops, 1<<20)
	}
	g.write(out)
	g.ended()
	a.awaitEvent(Garbage, "b")
}

// Frames that wait for a fault's delay do not hold up another peer, keep their
// order, and do not wait for each other.
func TestFaultDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork()
		f := NewFaults(1)
		a := start(t, "a", net.carries, func(c *Config) { c.Faults = f })
		b, c := start(t, "b", net.carries), start(t, "c", net.carries)
		joined(a, b, c)
		const delay, jitter = 150 * time.Millisecond, 30 * time.Millisecond
		if err := f.Set("b", LinkFault{Delay: delay, Jitter: jitter}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range 50 {
			a.mesh.Send("b", a.batch(i+1, i+1, 10))
			a.mesh.Send("c", a.batch(i+1, i+1, 10))
		}
		c.awaitOps("a", 50)
		time.Sleep(delay - time.Since(began) - 1) // virtual
		b.mu.Lock()
		early := len(b.got)
		b.mu.Unlock()
		if early > 0 {
			t.Fatalf("%d delayed messages had arrived after %s", early, time.Since(began))
		}
		b.awaitOps("a", 50)
		if took := time.Since(began); took < delay || took > delay+jitter+10*time.Millisecond {
			t.Fatalf("50 messages delayed by %s each took %s together", delay, took)
		}
	})
}

func TestFaultCutAndHeal(t *testing.T) {
	f := NewFaults(1)
	a, b := start(t, "a", func(c *Config) { c.Faults = f }), start(t, "b")
	joined(a, b)
	if err := f.Set("b", LinkFault{Cut: true}); err != nil {
		t.Fatal(err)
	}
	a.mesh.Send("b", a.batch(1, 9, 10))
	a.mesh.Send("b", a.status(1))
	b.mesh.Send("a", b.batch(1, 1, 10)) // the other direction is whole
	a.awaitOps("b", 1)
	a.awaitStats("two lost", func(s Stats) bool { return s.peer("b").Dropped.Faults == 2 })
	f.Clear()
	a.mesh.Send("b", a.batch(1, 1, 10))
	b.awaitOps("a", 1)
}

func TestFaultLossKeepsOrder(t *testing.T) {
	f := NewFaults(42)
	a, b := start(t, "a", func(c *Config) { c.Faults = f }), start(t, "b")
	joined(a, b)
	if err := f.Set("b", LinkFault{Loss: 0.3, Jitter: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	const n = 400
	for i := range n {
		a.mesh.Send("b", a.batch(i+1, i+1, 10))
	}
	lost := int(a.mesh.Stats().peer("b").Dropped.Faults)
	if lost < n/5 || lost > n/2 {
		t.Fatalf("%d of %d lost at 30 %%", lost, n)
	}
	b.await("all others", func() bool { return len(b.seqs("a")) == n-lost })
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := b.seqs("a"); !slices.IsSorted(got) {
		t.Fatalf("a lossy link changed the order: %v", got)
	}
}

func TestFaultDuplicateAndOvertake(t *testing.T) {
	f := NewFaults(7)
	a, b := start(t, "a", func(c *Config) { c.Faults = f }), start(t, "b")
	joined(a, b)
	if err := f.Set("b", LinkFault{Delay: 2 * time.Millisecond, Duplicate: 1, Overtake: 0.3}); err != nil {
		t.Fatal(err)
	}
	const n = 100
	for i := range n {
		a.mesh.Send("b", a.batch(i+1, i+1, 10))
	}
	b.await("every one twice", func() bool { return len(b.seqs("a")) == 2*n })
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.seqs("a")
	if slices.IsSorted(got) {
		t.Fatal("nothing was overtaken")
	}
	times := map[logical.Seq]int{}
	for _, s := range got {
		times[s]++
	}
	if len(times) != n || times[1] != 2 || times[n] != 2 {
		t.Fatalf("not every one twice: %v", times)
	}
}

func TestFaultsRefuseNonsense(t *testing.T) {
	f := NewFaults(1)
	for _, bad := range []LinkFault{{Delay: -1}, {Loss: 1.5}, {Duplicate: -0.1}} {
		if f.Set("b", bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// A dead network, not a closed one: nothing is read any more at the other end.
func TestStuckNetworkIsDownAfterIdleTimeout(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a := start(t, "a", func(c *Config) { c.IdleTimeout = 80 * time.Millisecond })
	b := start(t, "b")
	a.mesh.SetPeers(peersAt("b", ln.Addr().String()))
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	g := &guest{t: t, conn: conn, cfg: b.mesh.cfg, host: "a", dec: wire.NewDecoder(conn, b.mesh.cfg.wire())}
	g.next(wire.KindHello)
	h := g.hello()
	g.write(wire.AppendWelcome(nil, &wire.Welcome{Version: protocolMax, Credit: 1 << 20, Hello: *h}))
	a.awaitTurns("+b", "-b")
	_ = a.mesh.Close(context.Background())
}
