package link

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
	"kvd/wallclock"
)

// timeout is how long a test waits for what must happen.
const timeout = 2 * time.Minute

// node is a mesh and what it told its leader.
type node struct {
	t    *testing.T
	name replica.Leader
	mesh *Mesh

	mu       sync.Mutex
	changed  *sync.Cond
	frontier logical.Frontier
	got      []replica.Received
	turns    []string // "+n2", "-n2": PeerUp, PeerDown
	events   []Event
	held     int                              // messages that reached a gate
	gate     map[replica.Leader]chan struct{} // Receive takes one from it, if there is one
	keeps    bool                             // gives no credit by itself
}

// settings are defaults with short rests between dials, and bounds on silence that no
// busy machine exceeds.
func settings(name replica.Leader) Config {
	c := Defaults()
	c.Name, c.Cluster, c.Policy = name, "test", `*=lww "cart:"=siblings`
	for _, b := range []byte(name) {
		c.Origin = c.Origin<<8 | logical.Origin(b)
	}
	c.HandshakeTimeout, c.IdleTimeout = 10*timeout, 10*timeout
	c.Backoff = Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond, Refused: 20 * time.Millisecond}
	return c
}

// start runs a mesh until the test ends; then no goroutine may be left.
func start(t *testing.T, name replica.Leader, change ...func(*Config)) *node {
	t.Helper()
	watchLeaks(t)
	n := &node{t: t, name: name, gate: map[replica.Leader]chan struct{}{}}
	n.changed = sync.NewCond(&n.mu)
	cfg := settings(name)
	cfg.OnEvent = n.event
	for _, f := range change {
		f(&cfg)
	}
	n.frontier = logical.FrontierOf(logical.Dot{Origin: cfg.Origin, Seq: 1 << 40})
	listen(t, &cfg)
	var err error
	if n.mesh, err = New(cfg, n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.ungate()
		n.close()
	})
	return n
}

// listen takes a free port, unless the test has a listener of its own.
func listen(t testing.TB, cfg *Config) {
	if cfg.Listener != nil {
		return
	}
	var err error
	if cfg.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
}

// addr is where peers are to dial.
func (n *node) addr() string { return n.mesh.cfg.Listener.Addr().String() }

// inboxCharge is the credit that a peer has used and not got back.
func (n *node) inboxCharge(from replica.Leader) int {
	n.mesh.mu.RLock()
	defer n.mesh.mu.RUnlock()
	in := n.mesh.inbound[from]
	in.mu.Lock()
	defer in.mu.Unlock()
	return n.mesh.cfg.Window - in.window
}

var watched sync.Map // tests that watchLeaks has seen

// watchLeaks fails the test if a goroutine is left when all its nodes have been
// closed.
func watchLeaks(t *testing.T) {
	if _, seen := watched.LoadOrStore(t, true); seen {
		return
	}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func (n *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = n.mesh.Close(ctx)
}

var _ Sink = (*node)(nil)

func (n *node) Receive(from replica.Leader, m replica.Message) {
	var gate chan struct{}
	n.change(func() {
		if gate = n.gate[from]; gate != nil {
			n.held++
		}
	})
	if gate != nil {
		<-gate
	}
	n.change(func() { n.got = append(n.got, replica.Received{From: from, Message: m}) })
	if b, ok := m.(*replica.Batch); ok && !n.keeps {
		n.mesh.Credit(from, wire.Charge(b.Ops))
	}
}

func (n *node) PeerUp(p replica.Leader) {
	n.change(func() { n.turns = append(n.turns, "+"+string(p)) })
}
func (n *node) PeerDown(p replica.Leader) {
	n.change(func() { n.turns = append(n.turns, "-"+string(p)) })
}
func (n *node) event(e Event) { n.change(func() { n.events = append(n.events, e) }) }

func (n *node) Frontier() logical.Frontier {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frontier.Clone()
}

func (n *node) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	n.changed.Broadcast()
}

// hold makes Receive from a peer wait for allow.
func (n *node) hold(from replica.Leader) {
	n.change(func() { n.gate[from] = make(chan struct{}, 1<<16) })
}

// allow lets k more messages of a held peer through.
func (n *node) allow(from replica.Leader, k int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range k {
		n.gate[from] <- struct{}{}
	}
}

func (n *node) ungate() {
	n.change(func() {
		for name, g := range n.gate {
			close(g)
			delete(n.gate, name)
		}
	})
}

// await waits until ok holds; it is asked with the lock held whenever something
// is told, and now and then.
func (n *node) await(what string, ok func() bool) {
	n.t.Helper()
	deadline := time.Now().Add(timeout)
	again := time.AfterFunc(0, func() {})
	defer again.Stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for !ok() {
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: waited in vain for %s; turns %v, %d messages, events %v", n.name, what, n.turns, len(n.got), n.events)
		}
		again.Stop()
		again = time.AfterFunc(5*time.Millisecond, n.changed.Broadcast)
		n.changed.Wait()
	}
}

// awaitStats waits for the counters.
func (n *node) awaitStats(what string, ok func(Stats) bool) {
	n.t.Helper()
	n.await(what, func() bool { return ok(n.mesh.Stats()) })
}

func (n *node) awaitTurns(want ...string) {
	n.t.Helper()
	n.await(fmt.Sprint("turns ", want), func() bool { return contains(n.turns, want) })
}

// contains reports whether all of want are in got, in that order.
func contains(got, want []string) bool {
	for _, g := range got {
		if len(want) > 0 && g == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

// awaitEvent waits for the first event of that kind about that peer.
func (n *node) awaitEvent(kind EventKind, peer replica.Leader) Event {
	n.t.Helper()
	var found Event
	n.await(fmt.Sprintf("event %s of %q", kind, peer), func() bool {
		for _, e := range n.events {
			if e.Kind == kind && e.Peer == peer {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// happened is how many events of that kind there were. The caller holds the lock, as
// await does.
func (n *node) happened(kind EventKind) (times int) {
	for _, e := range n.events {
		if e.Kind == kind {
			times++
		}
	}
	return times
}

// seqs is the places of the ops received from a peer, in order of arrival.
func (n *node) seqs(from replica.Leader) []logical.Seq {
	var all []logical.Seq
	for _, r := range n.got {
		if b, ok := r.Message.(*replica.Batch); ok && r.From == from {
			for _, op := range b.Ops {
				all = append(all, op.Dot.Seq)
			}
		}
	}
	return all
}

// awaitOps waits for ops 1 to last, in order.
func (n *node) awaitOps(from replica.Leader, last int) {
	n.t.Helper()
	n.await(fmt.Sprintf("%d ops of %s", last, from), func() bool { return len(n.seqs(from)) >= last })
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, s := range n.seqs(from) {
		if s != logical.Seq(i+1) {
			n.t.Fatalf("%s: op %d from %s arrived at place %d", n.name, s, from, i+1)
		}
	}
}

// statuses is the numbers of the statuses received from a peer.
func (n *node) statuses(from replica.Leader) []uint64 {
	var all []uint64
	for _, r := range n.got {
		if s, ok := r.Message.(*replica.Status); ok && r.From == from {
			all = append(all, s.Number)
		}
	}
	return all
}

// peer is what the stats say of it.
func (s Stats) peer(name replica.Leader) PeerStats {
	for _, p := range s {
		if p.Peer == name {
			return p
		}
	}
	return PeerStats{}
}

// join makes every node know all others.
func join(nodes ...*node) {
	addrs := map[replica.Leader]string{}
	for _, n := range nodes {
		addrs[n.name] = n.addr()
	}
	for _, n := range nodes {
		n.mesh.SetPeers(addrs)
	}
}

// joined waits until all are up for all.
func joined(nodes ...*node) {
	join(nodes...)
	for _, n := range nodes {
		for _, o := range nodes {
			if n != o {
				n.awaitTurns("+" + string(o.name))
			}
		}
	}
}

// batch is ops first to last of n's life, each with a value of that many bytes.
func (n *node) batch(first, last, bytes int) *replica.Batch {
	life, b := n.mesh.cfg.Origin, &replica.Batch{}
	for i := first; i <= last; i++ {
		b.Ops = append(b.Ops, &resolve.Op{
			Dot: logical.Dot{Origin: life, Seq: logical.Seq(i)}, Key: fmt.Sprintf("key%d", i), Kind: resolve.Put,
			Value: make([]byte, bytes), Deps: logical.FrontierOf(logical.Dot{Origin: life, Seq: logical.Seq(i - 1)}),
			Wall: wallclock.Around(wallclock.Instant(i), 1000),
		})
	}
	return b
}

func (n *node) status(number uint64) *replica.Status {
	return &replica.Status{Origin: n.mesh.cfg.Origin, Number: number, Frontier: logical.FrontierOf(logical.Dot{Origin: n.mesh.cfg.Origin, Seq: logical.Seq(number)})}
}

// guest is somebody who speaks the protocol by hand.
type guest struct {
	t    *testing.T
	conn net.Conn
	dec  *wire.Decoder
	cfg  Config
	host replica.Leader
}

// visit connects to n without a word.
func visit(t *testing.T, n *node, name replica.Leader) *guest {
	t.Helper()
	conn, err := n.mesh.cfg.Dial(t.Context(), n.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(timeout))
	cfg := settings(name)
	return &guest{t: t, conn: conn, dec: wire.NewDecoder(conn, cfg.wire()), cfg: cfg, host: n.name}
}

func (g *guest) hello() *wire.Hello {
	return &wire.Hello{VersionMin: protocolMin, VersionMax: protocolMax, Cluster: g.cfg.Cluster, Leader: string(g.cfg.Name), To: string(g.host), Origin: g.cfg.Origin, Nonce: 99, Policy: g.cfg.Policy}
}

func (g *guest) write(b []byte) {
	g.t.Helper()
	if _, err := g.conn.Write(b); err != nil {
		g.t.Fatal(err)
	}
}

// next reads a frame, passing over signs of life unless they are asked for.
func (g *guest) next(want wire.Kind) {
	g.t.Helper()
	k, err := g.dec.Next()
	for err == nil && k == wire.KindCredit && want != wire.KindCredit {
		k, err = g.dec.Next()
	}
	if err != nil || k != want {
		g.t.Fatalf("next frame %s, %v; want %s", k, err, want)
	}
}

// ended waits until the other side has closed the connection.
func (g *guest) ended() {
	g.t.Helper()
	for {
		if _, err := g.dec.Next(); err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				g.t.Fatal("the connection was left open")
			}
			return
		}
	}
}
