package link

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica"
)

func TestTwoLeadersExchangeInOrder(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	for i := range 200 {
		a.mesh.Send("b", a.batch(1+5*i, 5+5*i, 100))
		b.mesh.Send("a", b.batch(1+i, 1+i, 10))
	}
	b.awaitOps("a", 1000)
	a.awaitOps("b", 200)
}

func TestThreeLeadersExchange(t *testing.T) {
	a, b, c := start(t, "a"), start(t, "b"), start(t, "c")
	all := []*node{a, b, c}
	joined(all...)
	for _, from := range all {
		for _, to := range all {
			if from != to {
				from.mesh.Send(to.name, from.batch(1, 50, 1000))
				from.mesh.Send(to.name, from.status(7))
			}
		}
	}
	for _, to := range all {
		for _, from := range all {
			if from != to {
				to.awaitOps(from.name, 50)
				to.await("a status", func() bool { return slices.Contains(to.statuses(from.name), 7) })
			}
		}
	}
}

// A batch far above a frame is split and arrives whole.
func TestLargeBatchIsSplit(t *testing.T) {
	a, b := start(t, "a", func(c *Config) { c.FrameBytes = 4 << 10 }), start(t, "b")
	joined(a, b)
	a.mesh.Send("b", a.batch(1, 500, 100))
	b.awaitOps("a", 500)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.got) < 10 {
		t.Fatalf("500 ops of 100 bytes came in %d frames of 4 KiB", len(b.got))
	}
}

// The sender keeps nothing of the message but the ops.
func TestSendCopiesWhatItKeeps(t *testing.T) {
	f := NewFaults(1)
	a, b := start(t, "a", func(c *Config) { c.Faults = f }), start(t, "b")
	joined(a, b)
	if err := f.Set("b", LinkFault{Delay: 20 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	m, s := a.batch(1, 3, 10), a.status(5)
	a.mesh.Send("b", m)
	a.mesh.Send("b", s)
	clear(m.Ops)
	s.Number = 0
	b.awaitOps("a", 3)
	b.await("the status as it was", func() bool { return slices.Contains(b.statuses("a"), 5) })
}

func TestReconnectsAfterAKilledConnection(t *testing.T) {
	var mu sync.Mutex
	var conns []net.Conn
	a := start(t, "a", func(c *Config) {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, conn)
			return conn, err
		}
	})
	b := start(t, "b")
	joined(a, b)
	a.mesh.Send("b", a.batch(1, 1, 10))
	b.awaitOps("a", 1)
	mu.Lock()
	_ = conns[len(conns)-1].Close() // the one that is up
	mu.Unlock()
	a.awaitTurns("+b", "-b", "+b")
	a.mesh.Send("b", a.batch(2, 2, 10))
	b.awaitOps("a", 2)
	a.await("two connections", func() bool { return a.happened(Up) == 2 })
}

func TestRestartedLeaderIsTakenBack(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	addr := b.addr()
	b.close()
	a.awaitTurns("+b", "-b")
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, "b", func(c *Config) { c.Listener, c.Origin = ln, 4711 })
	joined(a, again)
	a.awaitTurns("+b", "-b", "+b")
	again.mesh.Send("a", again.batch(1, 1, 10))
	a.await("an op of the new life", func() bool { return len(a.seqs("b")) == 1 })
}

// Nobody listens: the kernel says so, and the leader is told at once.
func TestRefusedPortIsDownAtOnce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	a := start(t, "a", func(c *Config) { c.HandshakeTimeout = 10 * timeout })
	a.mesh.SetPeers(map[replica.Leader]string{"b": addr})
	a.awaitTurns("-b")
	a.mesh.Send("b", a.batch(1, 1, 10))
	a.awaitStats("the batch dropped", func(s Stats) bool { return s.peer("b").Dropped.Down == 1 })
}

// A peer that goes silent without a word is cut off after IdleTimeout, and one
// that merely has nothing to say is not.
func TestSilenceIsCutOffAndIdlenessIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork()
		brief := func(c *Config) { c.IdleTimeout = time.Second }
		a, b := start(t, "a", net.carries, brief), start(t, "b", net.carries, brief)
		joined(a, b)
		a.mesh.SetPeers(map[replica.Leader]string{"b": b.addr(), "c": "nowhere"})
		greet(visit(t, a, "c"))
		if e := a.awaitEvent(Parted, "c"); !errors.Is(e.Err, os.ErrDeadlineExceeded) {
			t.Fatalf("the silent one ended with %v", e.Err)
		}
		time.Sleep(10 * time.Second) // virtual
		a.mu.Lock()
		defer a.mu.Unlock()
		if slices.Contains(a.turns, "-b") {
			t.Fatalf("an idle peer was taken for dead: %v", a.turns)
		}
	})
}

func TestPeersLeaveAndComeBack(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	a.mesh.SetPeers(nil)
	a.awaitTurns("+b", "-b")
	b.awaitTurns("+a", "-a")
	refused := b.awaitEvent(Refused, "a")
	if r, ok := errors.AsType[*RefusedError](refused.Err); !ok || r.By != "a" {
		t.Fatalf("a former member was told %v", refused.Err)
	}
	a.mesh.Send("b", a.batch(1, 1, 10))
	a.awaitStats("a message for nobody", func(s Stats) bool { return len(s) == 0 })
	join(a, b)
	a.awaitTurns("+b", "-b", "+b")
	b.awaitTurns("+a", "-a", "+a")
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	for i := range 300 {
		a.mesh.Send("b", a.batch(1+10*i, 10+10*i, 500))
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := a.mesh.Close(ctx); err != nil {
		t.Fatal(err)
	}
	b.awaitOps("a", 3000)
	b.awaitTurns("+a", "-a")
}

func TestCloseGivesUpOnAStuckPeer(t *testing.T) {
	a := start(t, "a", func(c *Config) { c.Window = 8 << 10 })
	b := start(t, "b", func(c *Config) { c.Window = 8 << 10 })
	joined(a, b)
	b.hold("a")
	for i := range 20 {
		a.mesh.Send("b", a.batch(1+i, 1+i, 2000))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := a.mesh.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("closed with messages unsent: %v", err)
	}
}
