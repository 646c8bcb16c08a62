package replica_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/wallclock"
)

// epoch is the calendar time at which every world begins.
const epoch = wallclock.Instant(1_700_000_000_000_000_000)

// tester is what testing.T, testing.B and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// node is a leader over a map.
type node struct {
	t     tester
	core  *replica.Core
	out   *replica.Output
	store *replicatest.Store
	skew  time.Duration
	now   wallclock.Mono

	taken, given int // bytes of peers' ops that arrived, and that credit was given for
}

func newNode(t tester, cfg replica.Config, life logical.Origin) *node {
	t.Helper()
	n := &node{t: t, out: &replica.Output{}}
	n.store = replicatest.New(n.out)
	n.begin(cfg, replica.State{Origin: life})
	return n
}

// begin starts a life on what the node holds.
func (n *node) begin(cfg replica.Config, st replica.State) {
	n.t.Helper()
	core, err := replica.New(cfg, st)
	if err != nil {
		n.t.Fatal(err)
	}
	n.core = core
}

func (n *node) moment() wallclock.Moment {
	return wallclock.Moment{Mono: n.now, Wall: wallclock.Around(epoch.Add(time.Duration(n.now)+n.skew), time.Millisecond)}
}

// cycle steps every input and ships. The output is the caller's.
func (n *node) cycle(in ...replica.Input) replica.Output {
	n.t.Helper()
	for _, i := range in {
		if r, ok := i.(replica.Received); ok {
			n.taken += footprints(ops([]replica.Send{{Message: r.Message}})...)
		}
		if err := n.core.Step(n.moment(), i, n.store, n.out); err != nil {
			n.t.Fatal(err)
		}
	}
	n.core.Ship(n.moment(), n.store, n.out)
	out := replica.Output{
		Puts:    slices.Clone(n.out.Puts),
		Sends:   slices.Clone(n.out.Sends),
		Replies: slices.Clone(n.out.Replies),
		Credits: slices.Clone(n.out.Credits),
		Events:  eventsOf(n.out),
		Wake:    n.out.Wake,
	}
	for _, c := range n.out.Credits {
		n.given += c.Bytes
	}
	n.store.Reset()
	return out
}

// eventsOf is the events of out in memory of their own.
func eventsOf(out *replica.Output) []replica.Event {
	events := slices.Clone(out.Events)
	for i, e := range events {
		switch e := e.(type) {
		case *replica.Applied:
			c := *e
			events[i] = &c
		case *replica.Judged:
			c := *e
			events[i] = &c
		}
	}
	return events
}

// ask feeds one request and returns its reply, which must come at once.
func (n *node) ask(q *replica.Request) replica.Reply {
	n.t.Helper()
	out := n.cycle(q)
	if len(out.Replies) != 1 {
		n.t.Fatalf("%s %q: %d replies, want one", q.Verb, q.Key, len(out.Replies))
	}
	return out.Replies[0]
}

// content is everything that must be equal at leaders with equal frontiers.
func (n *node) content() string {
	var b strings.Builder
	for _, k := range n.store.Keys() {
		fmt.Fprintf(&b, "%+v\n", *n.store.Object(k))
	}
	for _, l := range n.store.Rows() {
		fmt.Fprintf(&b, "lost %s %s %s %s\n", l.Resolver, l.Relation, l.Key, l.Loser)
	}
	return b.String()
}

func set(key, value string) *replica.Request {
	return &replica.Request{Verb: replica.Set, Key: key, Value: []byte(value)}
}

func get(key string) *replica.Request { return &replica.Request{Verb: replica.Get, Key: key} }

func incr(key string, by int64) *replica.Request {
	return &replica.Request{Verb: replica.Incr, Key: key, Delta: by}
}

// ops is every op in the batches of sends.
func ops(sends []replica.Send) []*resolve.Op {
	var all []*resolve.Op
	for _, s := range sends {
		if b, ok := s.Message.(*replica.Batch); ok {
			all = append(all, b.Ops...)
		}
	}
	return all
}

// statuses is every status in sends.
func statuses(sends []replica.Send) []*replica.Status {
	var all []*replica.Status
	for _, s := range sends {
		if st, ok := s.Message.(*replica.Status); ok {
			all = append(all, st)
		}
	}
	return all
}

// of is the events of type E.
func of[E replica.Event](events []replica.Event) []E {
	var some []E
	for _, e := range events {
		if e, ok := e.(E); ok {
			some = append(some, e)
		}
	}
	return some
}

// world is leaders and the messages between them. It is as fair as its dice.
type world struct {
	t       tester
	rng     *rand.Rand
	cfg     func(name replica.Leader) replica.Config
	names   []replica.Leader
	nodes   map[replica.Leader]*node
	wakes   map[replica.Leader]wallclock.Mono
	flying  []flight
	flights int
	now     wallclock.Mono
	lives   logical.Origin

	loss, twice float64 // of each message
	jitter      time.Duration
	cut         map[[2]replica.Leader]bool
	events      []replica.Event
}

type flight struct {
	at       wallclock.Mono
	number   int
	from, to replica.Leader
	message  replica.Message
}

func newWorld(t tester, seed uint64, leaders int, tune func(*replica.Config)) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), nodes: map[replica.Leader]*node{},
		wakes: map[replica.Leader]wallclock.Mono{}, cut: map[[2]replica.Leader]bool{}}
	for i := range leaders {
		w.names = append(w.names, replica.Leader(fmt.Sprintf("n%d", i+1)))
	}
	w.cfg = func(name replica.Leader) replica.Config {
		cfg := replica.Defaults()
		cfg.Name = name
		cfg.Policy.Shadows = resolve.All
		for _, p := range w.names {
			if p != name {
				cfg.Peers = append(cfg.Peers, p)
			}
		}
		if tune != nil {
			tune(&cfg)
		}
		return cfg
	}
	for _, name := range w.names {
		w.nodes[name] = newNode(t, w.cfg(name), w.life())
	}
	for _, name := range w.names {
		w.connect(name)
	}
	return w
}

// life is an origin never used before, in no order.
func (w *world) life() logical.Origin {
	w.lives++
	return w.lives * 0x9e3779b97f4a7c15
}

// connect tells a leader that all others are up.
func (w *world) connect(name replica.Leader) {
	for _, p := range w.names {
		if p != name {
			w.feed(name, replica.PeerUp{Peer: p})
		}
	}
}

// restart begins a new life, on the same data.
func (w *world) restart(name replica.Leader) {
	n := w.nodes[name]
	st := n.core.State()
	st.Origin = w.life()
	n.begin(w.cfg(name), st)
	w.connect(name)
}

// wipe begins a new life without data.
func (w *world) wipe(name replica.Leader) {
	n := newNode(w.t, w.cfg(name), w.life())
	n.now = w.now
	w.nodes[name] = n
	w.connect(name)
}

// feed runs a cycle of one leader and lets its messages fly.
func (w *world) feed(name replica.Leader, in ...replica.Input) replica.Output {
	n := w.nodes[name]
	n.now = w.now
	out := n.cycle(in...)
	w.wakes[name] = out.Wake
	w.events = append(w.events, out.Events...)
	for _, s := range out.Sends {
		w.fly(name, s)
		if w.rng.Float64() < w.twice {
			w.fly(name, s)
		}
	}
	return out
}

func (w *world) fly(from replica.Leader, s replica.Send) {
	if w.cut[[2]replica.Leader{from, s.To}] || w.rng.Float64() < w.loss {
		return
	}
	delay := 5 * time.Millisecond
	if w.jitter > 0 {
		delay += time.Duration(w.rng.Int64N(int64(w.jitter)))
	}
	w.flights++
	w.flying = append(w.flying, flight{w.now.Add(delay), w.flights, from, s.To, s.Message})
}

// part cuts both directions between two leaders, or joins them again.
func (w *world) part(a, b replica.Leader, cut bool) {
	w.cut[[2]replica.Leader{a, b}], w.cut[[2]replica.Leader{b, a}] = cut, cut
}

// run lets the world go on until d has passed or done answers true.
func (w *world) run(d time.Duration, done func() bool) {
	for end := w.now.Add(d); done == nil || !done(); {
		next := end
		for _, name := range w.names {
			next = min(next, max(w.wakes[name], w.now))
		}
		i := w.first()
		if i >= 0 {
			next = min(next, w.flying[i].at)
		}
		if next >= end {
			w.now = end
			return
		}
		w.now = next
		w.advance(i)
	}
}

// first is the message to land next, -1 if there is none.
func (w *world) first() int {
	first := -1
	for i, f := range w.flying {
		if first < 0 || cmp.Or(cmp.Compare(f.at, w.flying[first].at), cmp.Compare(f.number, w.flying[first].number)) < 0 {
			first = i
		}
	}
	return first
}

func (w *world) advance(i int) {
	if i >= 0 && w.flying[i].at <= w.now {
		f := w.flying[i]
		w.flying = slices.Delete(w.flying, i, i+1)
		w.feed(f.to, replica.Received{From: f.from, Message: f.message})
		return
	}
	for _, name := range w.names {
		if w.wakes[name] <= w.now {
			w.feed(name, replica.Tick{})
			if w.wakes[name] <= w.now {
				w.feed(name, replica.Tick{})
			}
			return
		}
	}
}

// converged reports whether all leaders have applied the same.
func (w *world) converged() bool {
	first := w.nodes[w.names[0]].core.State().Frontier
	for _, name := range w.names[1:] {
		if w.nodes[name].core.State().Frontier.Compare(first) != logical.Equal {
			return false
		}
	}
	return true
}

// mustConverge runs until all leaders are equal, in objects and ledger too.
func (w *world) mustConverge(within time.Duration) {
	w.t.Helper()
	w.run(within, w.converged)
	first := w.nodes[w.names[0]]
	for _, name := range w.names[1:] {
		n := w.nodes[name]
		if a, b := first.core.State().Frontier, n.core.State().Frontier; a.Compare(b) != logical.Equal {
			w.t.Fatalf("after %s: %s has applied %s, %s %s", within, w.names[0], a, name, b)
		}
		if a, b := first.content(), n.content(); a != b {
			w.t.Fatalf("%s holds\n%s%s holds\n%s", w.names[0], a, name, b)
		}
	}
}
