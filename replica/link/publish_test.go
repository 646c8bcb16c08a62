package link

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/replica"
	"kvd/replica/wire"
)

// ears keeps what a node hears.
type ears struct {
	mu  sync.Mutex
	all []string
}

func (e *ears) listen(c *Config) {
	c.OnPublished = func(from replica.Leader, p *wire.Published) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.all = append(e.all, fmt.Sprintf("%s %s %s", from, p.Channel, p.Message))
	}
}

func (e *ears) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

func published(channel, message string) *wire.Published {
	return &wire.Published{Channel: channel, Message: []byte(message)}
}

// What is published goes to every peer once and no further, and what met a cut link
// does not come later, though ops that did are shipped again by whoever sends them.
func TestPublishedComesAtMostOnce(t *testing.T) {
	f := NewFaults(1)
	var atB, atC ears
	a := start(t, "a", func(c *Config) { c.Faults = f })
	b, c := start(t, "b", atB.listen), start(t, "c", atC.listen)
	joined(a, b, c)
	must := func(fault LinkFault) {
		t.Helper()
		if err := f.Set("b", fault); err != nil {
			t.Fatal(err)
		}
	}
	a.mesh.Publish(published("news", "1"))
	must(LinkFault{Cut: true})
	a.mesh.Publish(published("news", "2"))
	must(LinkFault{Duplicate: 1, Delay: 20 * time.Millisecond})
	a.mesh.Publish(published("news", "3"))
	must(LinkFault{})
	a.mesh.Publish(published("news", "last"))
	for name, e := range map[string]*ears{"b": &atB, "c": &atC} {
		a.await("the last arrived at "+name, func() bool {
			all := e.heard()
			return len(all) > 0 && all[len(all)-1] == "a news last"
		})
	}
	if got := atB.heard(); !slices.Equal(got, []string{"a news 1", "a news 3", "a news last"}) {
		t.Errorf("b heard %q", got)
	}
	if got := atC.heard(); !slices.Equal(got, []string{"a news 1", "a news 2", "a news 3", "a news last"}) {
		t.Errorf("c heard %q", got)
	}
	s := a.mesh.Stats()
	if p, q := s.peer("b"), s.peer("c"); p.PublishedOut != 3 || p.PublishedDropped != 1 || q.PublishedOut != 4 || q.PublishedDropped != 0 {
		t.Errorf("counted %+v and %+v", p, q)
	}
	up := s.peer("b")
	if is, seconds := up.For(); !is || seconds == nil {
		t.Errorf("the link to b is up: %t, since %s", is, up.Since)
	}
	b.close()
	a.awaitTurns("-b")
	a.await("the connection to b has ended too", func() bool { return !a.mesh.Stats().peer("b").Up })
	if p := a.mesh.Stats().peer("b"); !p.Since.After(up.Since) {
		t.Errorf("b is down since %s, and was up since %s", p.Since, up.Since)
	}
	a.mesh.Publish(published("news", "down"))
	if p := a.mesh.Stats().peer("b"); p.PublishedDropped != 2 {
		t.Errorf("to one that is down: %+v", p)
	}
}

// The queue of one peer is bounded in bytes and in messages, and what is beyond is
// dropped and counted.
func TestPublishedIsBounded(t *testing.T) {
	var q queue
	q.start(0)
	at := fate{n: 1}
	for i := range maxPublished + 3 {
		if got, want := q.publish(published("c", "m"), at), i < maxPublished; got != want {
			t.Fatalf("message %d taken: %v", i, got)
		}
	}
	q.stop()
	if n := q.unpublished; n != maxPublished+3 {
		t.Errorf("%d are counted as lost", n)
	}
	q.start(0)
	half := published("c", strings.Repeat("x", maxPublishedBytes/2))
	if !q.publish(half, at) || q.publish(half, at) {
		t.Error("the bytes are not bounded")
	}
	first, _ := q.nextPublished(time.Now())
	if _, more := q.nextPublished(time.Now()); first.public != half || more || q.publishedBytes != 0 {
		t.Errorf("%d bytes are left", q.publishedBytes)
	}
}

// Published messages and ops share the connection: where both wait, ops have as many
// bytes as the message before.
func TestPublishedDoesNotDisplaceOps(t *testing.T) {
	a := start(t, "a")
	o := &outgoing{peer: newPeer(a.mesh, "b", ""), enc: wire.NewEncoder(a.mesh.cfg.wire())}
	o.queue.start(1 << 20)
	for i := range 40 {
		o.queue.offer(a.batch(i+1, i+1, 1000), fate{n: 1})
		o.queue.publish(published("c", strings.Repeat("x", 2000)), fate{n: 1})
	}
	for range 10 {
		o.out = append(o.out, o.gather(nil)...)
	}
	d := wire.NewDecoder(strings.NewReader(string(o.out)), a.mesh.cfg.wire())
	d.Open()
	behind := 0 // bytes that ops are behind
	for range 60 {
		kind, err := d.Next()
		switch {
		case err != nil:
			t.Fatal(err)
		case kind == wire.KindPublished:
			behind += 2000
		default:
			behind -= 1000
		}
		if behind > 3000 {
			t.Fatalf("ops are %d bytes behind", behind)
		}
	}
}

// What is said of repair goes to one peer that speaks a version which has it.
func TestRepairGoesToOnePeer(t *testing.T) {
	heard := make(chan string, 4)
	listen := func(name string) func(*Config) {
		return func(c *Config) {
			c.OnRepair = func(from replica.Leader, body []byte) { heard <- fmt.Sprintf("%s of %s: %s", name, from, body) }
		}
	}
	a, b, c := start(t, "a"), start(t, "b", listen("b")), start(t, "c", listen("c"))
	joined(a, b, c)
	if !a.mesh.Repair("c", []byte("one")) || !a.mesh.Repair("b", []byte("two")) || a.mesh.Repair("nobody", nil) {
		t.Error("it was not sent, or to nobody")
	}
	for range 2 {
		if got := <-heard; got != "c of a: one" && got != "b of a: two" {
			t.Errorf("heard %q", got)
		}
	}
	a.mesh.peer("b").version.Store(repairVersion - 1)
	if a.mesh.Repair("b", []byte("three")) {
		t.Error("sent to a leader that does not know it")
	}
}

// A leader of the version before is answered in that version.
func TestTheVersionBeforeIsSpoken(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	joined(a, b)
	a.mesh.SetPeers(map[replica.Leader]string{"b": b.addr(), "c": "127.0.0.1:1"})
	g := visit(t, a, "c")
	h := g.hello()
	h.VersionMin, h.VersionMax = protocolMin, protocolMin
	g.write(wire.AppendHello(nil, h))
	g.next(wire.KindWelcome)
	if w, err := g.dec.Welcome(); err != nil || w.Version != protocolMin {
		t.Errorf("welcomed as %+v, %v", w, err)
	}
}
