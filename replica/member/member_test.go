package member

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// timeout is how long a condition may take. It is only spent by failures.
const timeout = 2 * time.Minute

// node is a member under test, with what it was told and what it logged.
type node struct {
	*Members
	t    *testing.T
	told chan struct{} // of one: a view came

	mu   sync.Mutex
	view View
	logs bytes.Buffer
}

func (n *node) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.logs.Write(p)
}

func (n *node) logged() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.logs.String()
}

func (n *node) tell(v View) {
	n.mu.Lock()
	n.view = v
	n.mu.Unlock()
	select {
	case n.told <- struct{}{}:
	default:
	}
}

// until waits for a view of which holds is true.
func (n *node) until(what string, holds func(View) bool) View {
	n.t.Helper()
	late := time.After(timeout)
	for {
		n.mu.Lock()
		v := n.view
		n.mu.Unlock()
		if holds(v) {
			return v
		}
		select {
		case <-n.told:
		case <-late:
			n.t.Fatalf("%s never saw: %s\nlast view: %+v\nlog:\n%s", n.cfg.Name, what, v, n.logged())
		}
	}
}

func (n *node) untilStatus(name string, want Status) Member {
	n.t.Helper()
	v := n.until(fmt.Sprintf("%s %s", name, want), func(v View) bool {
		m, ok := v.Find(name)
		return ok && m.Status == want
	})
	m, _ := v.Find(name)
	return m
}

// untilLogged waits for text in the log; logs have no signal, so it looks.
func (n *node) untilLogged(text string) {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(timeout)
	for !strings.Contains(n.logged(), text) {
		select {
		case <-ticker.C:
		case <-late:
			n.t.Fatalf("%s never logged %q:\n%s", n.cfg.Name, text, n.logged())
		}
	}
}

func config(name string, join ...string) Config {
	return Config{
		Name: name, Cluster: "test", Origin: 0xc0ffee, Bind: "127.0.0.1:0", Join: join,
		PeerAddr: name + ":1", RespAddr: name + ":2", HTTPAddr: name + ":3",
		Protocol: 1, PolicyDigest: "d1", Profile: Local,
	}
}

// noLeaks is called first in a test: it looks after everything else was cleaned
// up. Memberlist's probes end by themselves, at latest when the probed one's time
// is over, so it looks again.
func noLeaks(t *testing.T) {
	t.Cleanup(func() {
		late := time.Now().Add(timeout)
		err := goleak.Find()
		for err != nil && time.Now().Before(late) {
			err = goleak.Find()
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func start(t *testing.T, cfg Config) *node {
	t.Helper()
	n := &node{t: t, told: make(chan struct{}, 1)}
	cfg.Logger = slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := Start(cfg, n.tell)
	if err != nil {
		t.Fatal(err)
	}
	n.Members = m
	t.Cleanup(func() { n.close() })
	return n
}

func (n *node) close() {
	n.t.Helper()
	if err := n.Close(); err != nil {
		n.t.Errorf("close %s: %v", n.cfg.Name, err)
	}
}

func TestMembersMeet(t *testing.T) {
	noLeaks(t)
	a := start(t, config("a"))
	c := config("c", a.Addr())
	c.Origin, c.GossipKey = 7, nil
	b := start(t, config("b", a.Addr()))
	third := start(t, c)

	for _, n := range []*node{a, b, third} {
		v := n.until("three alive", func(v View) bool {
			return len(v.Members) == 3 && v.Members[0].Status == Alive && v.Members[1].Status == Alive && v.Members[2].Status == Alive
		})
		if v.Members[0].Name != "a" || v.Members[1].Name != "b" || v.Members[2].Name != "c" {
			t.Errorf("%s: not sorted: %+v", n.cfg.Name, v.Members)
		}
		want := Member{Name: "c", Status: Alive, Gossip: third.Addr(), Origin: 7, PeerAddr: "c:1", RespAddr: "c:2", HTTPAddr: "c:3"}
		if v.Members[2] != want {
			t.Errorf("%s sees %+v, want %+v", n.cfg.Name, v.Members[2], want)
		}
		n.until("joined", func(v View) bool { return v.Joined && v.Trouble == nil })
	}
}

func TestLeftIsNotFailed(t *testing.T) {
	noLeaks(t)
	a := start(t, config("a"))
	b := start(t, config("b", a.Addr()))
	c := start(t, config("c", a.Addr()))
	for _, n := range []*node{a, b, c} {
		n.until("all", func(v View) bool { return len(v.Members) == 3 })
	}

	if err := b.Leave(t.Context()); err != nil {
		t.Errorf("leave: %v", err)
	}
	a.untilStatus("b", Left)
	c.untilStatus("b", Left)
	b.close()
	c.close() // without a word
	a.untilStatus("c", Failed)
	a.untilStatus("b", Left)
}

// TestOnlyWhoIsHeardTakesTimeToLeave: there is nothing to wait for where nobody is,
// or everybody has left or failed.
func TestOnlyWhoIsHeardTakesTimeToLeave(t *testing.T) {
	noLeaks(t)
	a := start(t, config("a"))
	b := start(t, config("b", a.Addr()))
	for _, n := range []*node{a, b} {
		n.until("both", func(v View) bool {
			return len(v.Members) == 2 && v.Members[0].Status == Alive && v.Members[1].Status == Alive
		})
	}
	if err := b.Leave(t.Context()); err != nil || b.conf.LeavePropagateDelay == 0 {
		t.Errorf("leave: %v; the word was given %s to reach a", err, b.conf.LeavePropagateDelay)
	}
	a.untilStatus("b", Left)
	if err := a.Leave(t.Context()); err != nil || a.conf.LeavePropagateDelay != 0 {
		t.Errorf("leave: %v; the word was given %s to reach nobody", err, a.conf.LeavePropagateDelay)
	}
}

func TestLeaveEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	a := start(t, config("a"))
	b := start(t, config("b", a.Addr()))
	a.untilStatus("b", Alive)
	b.untilStatus("a", Alive)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Leave(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("leave with an ended context gave %v", err)
	}
	b.close() // waits for the leave that goes on
	a.untilStatus("b", Left)
	if err := b.Leave(t.Context()); err == nil {
		t.Error("leave after close gave no error")
	}
	b.close() // again
}

func TestUnreachableSeedIsTriedAgain(t *testing.T) {
	noLeaks(t)
	late := start(t, config("late"))
	seed := late.Addr()
	late.close()

	a := start(t, config("a", seed))
	v := a.until("trouble", func(v View) bool { return v.Trouble != nil })
	if v.Joined || !strings.Contains(v.Trouble.Error(), seed) || !strings.Contains(v.Trouble.Error(), "tried again") {
		t.Errorf("trouble with an unreachable seed: joined %v, %v", v.Joined, v.Trouble)
	}
	a.untilLogged("cannot join yet")

	again := config("late")
	again.Bind = seed
	start(t, again)
	v = a.until("joined", func(v View) bool { return v.Joined })
	if v.Trouble != nil {
		t.Errorf("joined, and still in trouble: %v", v.Trouble)
	}
	a.untilStatus("late", Alive)
}

// A seed that takes the connection and says nothing must not hold up Close for
// as long as gossip would wait for it.
func TestCloseDoesNotWaitForASilentSeed(t *testing.T) {
	noLeaks(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := config("a", silent.Addr().String())
	cfg.Profile = LAN
	a := start(t, cfg)
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	a.close()
	if took := time.Since(began); took > LAN.gossip().TCPTimeout/2 {
		t.Errorf("close took %v", took)
	}
}

// Two halves that started apart must meet once they can.
func TestSeedsOfAnotherHalfAreFoundLater(t *testing.T) {
	noLeaks(t)
	c := start(t, config("c"))
	addr := c.Addr()
	c.close()
	b := start(t, config("b"))
	a := start(t, config("a", b.Addr(), addr))
	a.untilStatus("b", Alive)

	back := config("c")
	back.Bind = addr
	start(t, back)
	b.untilStatus("c", Alive)
}

func TestForget(t *testing.T) {
	noLeaks(t)
	a := start(t, config("a"))
	b := start(t, config("b", a.Addr()))
	c := start(t, config("c", a.Addr()))
	for _, n := range []*node{a, b, c} {
		n.until("all", func(v View) bool { return len(v.Members) == 3 })
	}
	if err := a.Forget("b"); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("forget a live member: %v", err)
	}
	if err := a.Forget("z"); err == nil {
		t.Error("forget nobody: no error")
	}
	b.close()
	a.untilStatus("b", Failed)
	c.untilStatus("b", Failed)
	err := a.Forget("b")
	for late := time.Now().Add(timeout); err != nil && strings.HasSuffix(err.Error(), "try again") && time.Now().Before(late); {
		err = a.Forget("b") // serf gives gossip five seconds
	}
	if err != nil {
		t.Error(err)
	}
	for _, n := range []*node{a, c} {
		n.until("b forgotten", func(v View) bool { return len(v.Members) == 2 })
	}
}

// A callback that hangs must not stop gossip.
func TestSlowCallbackHoldsUpNobody(t *testing.T) {
	noLeaks(t)
	hung, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var last View
	cfg := config("a")
	cfg.Logger = slog.New(slog.DiscardHandler)
	m, err := Start(cfg, func(v View) {
		once.Do(func() { close(hung); <-free })
		last = v
	})
	if err != nil {
		t.Fatal(err)
	}
	<-hung
	b := start(t, config("b", m.Addr()))
	c := start(t, config("c", m.Addr()))
	b.untilStatus("c", Alive)
	c.untilStatus("b", Alive)
	b.close()
	c.untilStatus("b", Failed)
	close(free)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if len(last.Members) == 0 {
		t.Error("the callback was never given a view")
	}
}

func TestAddresses(t *testing.T) {
	noLeaks(t)
	cfg := config("a")
	cfg.Bind, cfg.Advertise = "localhost:0", "127.0.0.9:0"
	a := start(t, cfg)
	if !strings.HasPrefix(a.Addr(), "127.0.0.9:") || strings.HasSuffix(a.Addr(), ":0") {
		t.Errorf("bound to a free port of localhost and advertised 127.0.0.9:0, it says %s", a.Addr())
	}
	taken := config("b")
	_, port, _ := strings.Cut(a.Addr(), ":")
	taken.Bind, taken.Logger = "127.0.0.1:"+port, slog.New(slog.DiscardHandler)
	if m, err := Start(taken, func(View) {}); err == nil {
		m.Close()
		t.Error("a taken port was bound")
	}
	hidden := config("c")
	hidden.SnapshotPath, hidden.Logger = filepath.Join(t.TempDir(), "no", "such"), taken.Logger
	if m, err := Start(hidden, func(View) {}); err == nil || !strings.Contains(err.Error(), "snapshot") {
		t.Errorf("a snapshot that cannot be written: %v", err)
		m.Close()
	}
}
