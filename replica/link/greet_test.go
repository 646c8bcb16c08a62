package link

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
)

func frameOf(h *wire.Hello) []byte { return wire.AppendHello(nil, h) }

func peersAt(name replica.Leader, addr string) map[replica.Leader]string {
	return map[replica.Leader]string{name: addr}
}

// greet introduces the guest and insists on a welcome.
func greet(g *guest) *wire.Welcome {
	g.t.Helper()
	g.write(frameOf(g.hello()))
	g.next(wire.KindWelcome)
	w, err := g.dec.Welcome()
	if err != nil {
		g.t.Fatal(err)
	}
	g.dec.Open()
	return w
}

// turned insists that the guest is refused for the reason, in these words.
func turned(g *guest, h *wire.Hello, want wire.Reason, words ...string) {
	g.t.Helper()
	g.write(frameOf(h))
	g.next(wire.KindRefuse)
	no, err := g.dec.Refuse()
	if err != nil || no.Reason != want {
		g.t.Fatalf("refused for %s (%s), %v; want %s", no.Reason, no.Detail, err, want)
	}
	for _, w := range words {
		if !strings.Contains(no.Detail, w) {
			g.t.Errorf("refused with %q, which does not say %q", no.Detail, w)
		}
	}
	g.ended()
}

func TestPolicyMismatchIsRefusedOnBothSides(t *testing.T) {
	a := start(t, "a")
	b := start(t, "b", func(c *Config) { c.Policy = `*=lww "cart:"=causal "hits:"=counter` })
	join(a, b)
	for n, other := range map[*node]replica.Leader{a: "b", b: "a"} {
		e := n.awaitEvent(Refused, other)
		r, ok := errors.AsType[*RefusedError](e.Err)
		if !ok || r.By != other || r.Reason != wire.OtherPolicy {
			t.Fatalf("%s heard %v", n.name, e.Err)
		}
		for _, w := range []string{`"cart:" is`, "causal at b", "siblings at a", `"hits:" is`, "not named at a"} {
			if !strings.Contains(r.Detail, w) {
				t.Errorf("%q does not say %q", r.Detail, w)
			}
		}
		n.awaitStats("rejected here too", func(s Stats) bool { return n.happened(Rejected) > 0 && !s.peer(other).Up })
	}
	a.awaitTurns("-b")
}

func TestRefusedAtTheDoor(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	a.change(func() { a.frontier = logical.FrontierOf(logical.Dot{Origin: a.mesh.cfg.Origin, Seq: 12}) })
	joined(a, b)
	a.mesh.SetPeers(map[replica.Leader]string{"b": b.addr(), "c": "127.0.0.1:1"})
	for name, c := range map[string]struct {
		change func(*wire.Hello)
		want   wire.Reason
		words  []string
	}{
		"other cluster":     {func(h *wire.Hello) { h.Cluster = "prod" }, wire.OtherCluster, []string{`"prod"`, `"test"`}},
		"wrong leader":      {func(h *wire.Hello) { h.To = "k" }, wire.WrongLeader, []string{"k was dialled and a answered"}},
		"other protocol":    {func(h *wire.Hello) { h.VersionMin, h.VersionMax = protocolMax+1, protocolMax+1 }, wire.OtherProtocol, []string{"10 to 10"}},
		"our own name":      {func(h *wire.Hello) { h.Leader = "a" }, wire.Itself, nil},
		"our own origin":    {func(h *wire.Hello) { h.Origin = a.mesh.cfg.Origin }, wire.OriginTwice, []string{"a and c"}},
		"another's origin":  {func(h *wire.Hello) { h.Origin = b.mesh.cfg.Origin }, wire.OriginTwice, []string{"b and c"}},
		"a taken name":      {func(h *wire.Hello) { h.Leader, h.Origin = "b", 5 }, wire.NameTaken, []string{"another process named b"}},
		"no member":         {func(h *wire.Hello) { h.Leader = "z" }, wire.NotAMember, []string{"z is not"}},
		"knows our lost op": {func(h *wire.Hello) { h.Frontier.Advance(logical.Dot{Origin: a.mesh.cfg.Origin, Seq: 13}) }, wire.LostLog, []string{"has 13 ops", "has 12"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := visit(t, a, "c")
			h := g.hello()
			c.change(h)
			turned(g, h, c.want, c.words...)
		})
	}
	g := visit(t, a, "c")
	h := g.hello()
	h.Frontier.Advance(logical.Dot{Origin: a.mesh.cfg.Origin, Seq: 12})
	g.write(frameOf(h))
	g.next(wire.KindWelcome)
	b.mesh.Send("a", b.batch(1, 1, 10))
	a.awaitOps("b", 1)
}

// Two leaders on copies of one disk: whoever meets them both refuses the second.
func TestDuplicateOriginIsRefused(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	c := start(t, "c", func(c *Config) { c.Origin = b.mesh.cfg.Origin })
	joined(a, b)
	join(a, b, c)
	for _, n := range []*node{a, b} {
		if r, ok := errors.AsType[*RefusedError](n.awaitEvent(Rejected, "c").Err); ok && r.Reason != wire.OriginTwice {
			t.Fatalf("%s: %v", n.name, r)
		}
	}
	e := c.awaitEvent(Refused, "a")
	if r, ok := errors.AsType[*RefusedError](e.Err); !ok || r.Reason != wire.OriginTwice {
		t.Fatalf("c heard %v", e.Err)
	}
	b.mesh.Send("a", b.batch(1, 1, 10))
	a.awaitOps("b", 1)
}

// A new connection of the same process replaces the old, which is dead without
// knowing it.
func TestSameProcessReplacesItsOldConnection(t *testing.T) {
	a := start(t, "a")
	a.mesh.SetPeers(peersAt("b", "127.0.0.1:1"))
	first := visit(t, a, "b")
	greet(first)
	second := visit(t, a, "b")
	greet(second)
	first.ended()
	a.awaitEvent(Parted, "b")
	second.write(wire.AppendGoodbye(nil))
	second.ended()
}

func TestWrongLeaderAtTheAddress(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	b.mesh.SetPeers(peersAt("a", a.addr()))
	a.mesh.SetPeers(peersAt("c", b.addr()))
	e := a.awaitEvent(Refused, "c")
	if r, ok := errors.AsType[*RefusedError](e.Err); !ok || r.Reason != wire.WrongLeader {
		t.Fatalf("got %v", e.Err)
	}
	b.awaitEvent(Rejected, "a")
}

// Whoever ships more of our life than we have would make the core stop; the
// connection ends instead, and both sides say why.
func TestUnknownOpsOfOurOwnLifeEndTheConnection(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	a.change(func() { a.frontier = logical.FrontierOf(logical.Dot{Origin: a.mesh.cfg.Origin, Seq: 3}) })
	op := b.batch(1, 1, 10)
	op.Ops[0].Deps.Advance(logical.Dot{Origin: a.mesh.cfg.Origin, Seq: 4})
	b.mesh.Send("a", op)
	for n, kind := range map[*node]EventKind{a: Rejected, b: Down} {
		other := map[*node]replica.Leader{a: "b", b: "a"}[n]
		if r, ok := errors.AsType[*RefusedError](n.awaitEvent(kind, other).Err); !ok || r.Reason != wire.LostLog {
			t.Errorf("%s: %v", n.name, n.awaitEvent(kind, other).Err)
		}
	}
}

func TestGarbageIsClosedAndCounted(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	g := visit(t, a, "x")
	hello := frameOf(g.hello())
	bad := append([]byte(nil), hello...)
	bad[len(bad)-1] ^= 1
	times := 0
	for name, bytes := range map[string][]byte{
		"noise":           []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		"flipped bit":     bad,
		"huge":            {0xff, 0xff, 0xff, 0xff, hello[4], 0, 0, 0, 0},
		"half a hello":    hello[:len(hello)/2],
		"half a head":     hello[:3],
		"status at first": wire.AppendStatus(nil, a.status(1)),
	} {
		g := visit(t, a, "x")
		g.write(bytes)
		_ = g.conn.(interface{ CloseWrite() error }).CloseWrite()
		if _, err := io.Copy(io.Discard, g.conn); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%s: left open", name)
		}
		times++
		a.await(name+" told", func() bool { return a.happened(Garbage) == times })
	}
	b.mesh.Send("a", b.batch(1, 1, 10))
	a.awaitOps("b", 1)
}

func TestGarbageAfterTheGreeting(t *testing.T) {
	a := start(t, "a")
	a.mesh.SetPeers(peersAt("b", "127.0.0.1:1"))
	times := 0
	for _, bytes := range [][]byte{
		frameOf(&wire.Hello{Leader: "b", Origin: 1}),
		{0, 0, 0, 1, 0x24, 0, 0, 0, 0, 7},
		{0x7f, 0xff, 0xff, 0xff, 0x24, 0, 0, 0, 0},
	} {
		g := visit(t, a, "b")
		greet(g)
		g.write(bytes)
		g.ended()
		times++
		a.await("told", func() bool { return a.happened(Garbage) == times })
	}
}

func TestDrippedGreetingIsCut(t *testing.T) {
	a, b := start(t, "a", func(c *Config) { c.HandshakeTimeout = 150 * time.Millisecond }), start(t, "b")
	joined(a, b)
	g := visit(t, a, "x")
	hello := frameOf(g.hello())
	drip := time.NewTicker(10 * time.Millisecond)
	defer drip.Stop()
	for i := 0; ; i++ {
		if i == len(hello)-1 {
			t.Fatal("the greeting was let drip to its end")
		}
		if _, err := g.conn.Write(hello[i : i+1]); err != nil {
			break // cut
		}
		<-drip.C
	}
	a.awaitEvent(Slow, "")
	b.mesh.Send("a", b.batch(1, 1, 10))
	a.awaitOps("b", 1)
}

func TestGreetingsInProgressAreBounded(t *testing.T) {
	a := start(t, "a", func(c *Config) { c.MaxGreetings = 3 })
	for range 3 {
		visit(t, a, "x").write([]byte{0})
	}
	a.await("three greetings", func() bool { return len(a.mesh.greetings) == 3 })
	g := visit(t, a, "x")
	g.ended()
	a.await("turned away", func() bool { return a.happened(Slow) == 1 })
}
