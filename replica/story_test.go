package replica_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata from what happens")

// TestStories plays the scripts in testdata. The verbs are in do, below.
func TestStories(t *testing.T) {
	replicatest.Stories(t, *update, func(t *testing.T) func([]string) string {
		s := &story{t: t, nodes: map[string]*node{}, lives: map[logical.Origin]string{}, tokens: map[string]replica.Token{},
			wires: map[string][]replica.Message{}, hands: map[string]int{}}
		return func(words []string) string {
			s.b.Reset()
			s.do(words[0], words[1:])
			return s.b.String()
		}
	})
}

type story struct {
	t      *testing.T
	nodes  map[string]*node
	names  []string
	lives  map[logical.Origin]string
	tokens map[string]replica.Token
	wires  map[string][]replica.Message // FROM>TO: what was sent and not taken
	hands  map[string]int               // FROM>TO: bytes that arrived and no credit was given for
	policy string
	notes  bool
	id     uint64
	b      strings.Builder
}

func (s *story) do(verb string, args []string) {
	s.t.Helper()
	switch verb {
	case "leaders": // leaders NAME…
		s.leaders(args)
	case "policy": // policy RESOLVER
		s.policy = args[0]
	case "connect": // connect FROM TO…: FROM is told that the others are up
		for _, to := range args[1:] {
			s.feed(args[0], replica.PeerUp{Peer: replica.Leader(to)})
		}
	case "wait": // wait DURATION: everybody's clocks go on, everybody ticks
		s.wait(args[0])
	case "deliver": // deliver FROM>TO [N]: the first N messages arrive, or all
		s.deliver(args)
	case "drop": // drop FROM>TO: all messages on the way are lost
		s.line("%d lost", len(s.wires[args[0]]))
		s.wires[args[0]] = nil
	case "restart": // restart NAME: a new life
		s.restart(args[0])
	case "clock": // clock NAME OFFSET: its wall clock is off by that much
		s.nodes[args[0]].skew, _ = time.ParseDuration(args[1])
	case "show": // show NAME KEY…
		s.show(args[0], args[1:])
	case "get", "set", "incr", "remove", "touch": // get NAME KEY [VALUE] [token=T] [save=T] [as=CLIENT/NUMBER] [ttl=DURATION]
		s.ask(verb, args)
	default:
		if !s.conflict(verb, args) {
			s.t.Fatalf("the story says %q", verb)
		}
	}
}

func (s *story) leaders(names []string) {
	s.names = names
	for i, name := range names {
		life := logical.Origin(0xa0 + 0x10*i)
		s.lives[life] = name
		s.nodes[name] = newNode(s.t, s.config(name), life)
	}
}

func (s *story) config(name string) replica.Config {
	cfg := replica.Defaults()
	cfg.Name = replica.Leader(name)
	for _, p := range s.names {
		if p != name {
			cfg.Peers = append(cfg.Peers, replica.Leader(p))
		}
	}
	for _, id := range resolve.IDs() {
		if id.String() == s.policy {
			cfg.Policy.Default = id
		}
	}
	cfg.Policy.Shadows = resolve.LWW.Mask()
	return cfg
}

func (s *story) restart(name string) {
	n := s.nodes[name]
	st := n.core.State()
	label := s.lives[st.Origin] + "'"
	st.Origin++
	s.lives[st.Origin] = label
	n.begin(s.config(name), st)
	s.line("%s lives on as %s", name, label)
}

func (s *story) wait(d string) {
	by, err := time.ParseDuration(d)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range s.names {
		s.nodes[name].now = s.nodes[name].now.Add(by)
	}
	for _, name := range s.names {
		s.feed(name, replica.Tick{})
	}
}

func (s *story) deliver(args []string) {
	from, to, _ := strings.Cut(args[0], ">")
	queue := s.wires[args[0]]
	n := len(queue)
	if len(args) > 1 {
		n, _ = strconv.Atoi(args[1])
	}
	s.wires[args[0]] = slices.Clone(queue[n:])
	var in []replica.Input
	for _, m := range queue[:n] {
		in = append(in, replica.Received{From: replica.Leader(from), Message: m})
	}
	s.hands[args[0]] += bytesOf(queue[:n])
	s.feed(to, in...)
}

func (s *story) ask(verb string, args []string) {
	s.id++
	for _, n := range s.nodes { // no two writes at one instant
		n.now = n.now.Add(time.Millisecond)
	}
	q := &replica.Request{ID: s.id, Key: args[1]}
	q.Verb = map[string]replica.Verb{"get": replica.Get, "set": replica.Set, "incr": replica.Incr, "remove": replica.Remove, "touch": replica.Touch}[verb]
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "token":
			q.Token = s.tokens[value]
		case "save":
			defer func() { s.tokens[value] = s.nodes[args[0]].ask(get(args[1])).Token }()
		case "as":
			fmt.Sscanf(value, "%d/%d", &q.Client, &q.Number)
		case "ttl":
			ttl, _ := time.ParseDuration(value)
			q.Expires = s.nodes[args[0]].moment().Wall.Midpoint().Add(ttl)
		default:
			q.Value = []byte(arg)
			q.Delta, _ = strconv.ParseInt(arg, 10, 64)
		}
	}
	s.feed(args[0], q)
}

func (s *story) feed(name string, in ...replica.Input) {
	out := s.nodes[name].cycle(append(in, s.underway(name)...)...)
	for _, c := range out.Credits {
		s.hands[string(c.Peer)+">"+name] -= c.Bytes
	}
	for _, e := range out.Events {
		s.line("%s %s", name, s.event(e))
	}
	for _, r := range out.Replies {
		s.line("%s answers %s", name, s.reply(r))
	}
	for _, m := range out.Sends {
		wire := name + ">" + string(m.To)
		s.wires[wire] = append(s.wires[wire], m.Message)
		s.line("%s %s", wire, s.message(m.Message))
	}
}

// underway is what the links say of peers to which name would ship again.
func (s *story) underway(name string) (in []replica.Input) {
	n := s.nodes[name]
	for _, p := range n.core.Stalled(n.now, nil) {
		wire := name + ">" + string(p)
		if bytes := bytesOf(s.wires[wire]) + s.hands[wire]; bytes > 0 {
			in = append(in, replica.Underway{Peer: p, Bytes: bytes})
		}
	}
	return in
}

// bytesOf is what the ops of messages take.
func bytesOf(messages []replica.Message) (bytes int) {
	for _, m := range messages {
		bytes += footprints(ops([]replica.Send{{Message: m}})...)
	}
	return bytes
}

func (s *story) show(name string, keys []string) {
	n := s.nodes[name]
	s.line("%s has applied %s", name, s.frontier(n.core.State().Frontier))
	for _, k := range keys {
		for _, v := range n.store.Object(k).Versions {
			s.line("%s %s %s %q kept by %s", name, k, s.dot(v.Dot), v.Value, strings.Join(v.Mask.Names(), " "))
		}
	}
	for _, l := range n.store.Rows() {
		s.line("%s lost %s of %s under %s: %s with %s", name, s.dot(l.Loser), l.Key, l.Resolver, l.Relation, s.dot(l.Winner))
	}
}

func (s *story) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *story) dot(d logical.Dot) string { return fmt.Sprintf("%s-%d", s.lives[d.Origin], d.Seq) }

func (s *story) dots(dots []logical.Dot) string {
	var words []string
	for _, d := range dots {
		words = append(words, s.dot(d))
	}
	return "[" + strings.Join(words, " ") + "]"
}

func (s *story) frontier(f logical.Frontier) string { return s.dots(slices.Collect(f.All())) }

func (s *story) op(op *resolve.Op) string {
	return fmt.Sprintf("%s %s %s=%q over %s after %s stamp %d%s", s.dot(op.Dot), op.Kind, op.Key, op.Value, s.dots(op.Parents), s.frontier(op.Deps), op.Lamport, until(op))
}

func (s *story) event(e replica.Event) string {
	switch e := e.(type) {
	case replica.Accepted:
		return "accepts " + s.op(e.Op)
	case *replica.Applied:
		return fmt.Sprintf("applies %s from %s", s.dot(e.Op.Dot), e.From)
	case *replica.Judged:
		return s.verdict(e)
	case replica.Buffered:
		return fmt.Sprintf("holds %s gap=%v", s.dot(e.Dot), e.Gap)
	case replica.Dropped:
		return fmt.Sprintf("drops %s reason=%d", s.dot(e.Dot), e.Reason)
	case replica.DuplicateFound:
		return fmt.Sprintf("finds duplicates %s and %s", s.dot(e.A), s.dot(e.B))
	case replica.PeerBehind:
		return fmt.Sprintf("sees %s behind on %s from %d", e.Peer, s.lives[e.Origin], e.From)
	case replica.TokenWaited:
		return fmt.Sprintf("let request %d wait, in vain=%v", e.ID, e.GaveUp)
	case replica.ClockAhead:
		return fmt.Sprintf("refuses the clock of %s, ahead by %s", s.dot(e.Dot), e.Ahead)
	}
	return s.found(e)
}

func (s *story) verdict(e *replica.Judged) string {
	v, names := e.Verdict, strings.Join(e.Verdict.Resolvers.Names(), ",")
	if v.Retracted {
		return fmt.Sprintf("judges under %s: %s is not lost after all", names, s.dot(v.Loser))
	}
	return fmt.Sprintf("judges under %s: %s %s with %s", names, s.dot(v.Loser), v.Relation, s.dot(v.Winner))
}

func (s *story) reply(r replica.Reply) string {
	if r.Err != nil {
		return fmt.Sprintf("%d: %v", r.ID, r.Err)
	}
	text := fmt.Sprintf("%d: shows %q", r.ID, r.Shown.Values)
	if !r.Dot.IsZero() {
		text += fmt.Sprintf(" wrote %s over %s", s.dot(r.Dot), s.dots(r.Over))
	}
	if r.Wrote != nil {
		text += fmt.Sprintf(" outcome %s", r.Wrote)
	}
	if r.Retry {
		text += " (retry)"
	}
	return text
}

func (s *story) message(m replica.Message) string {
	switch m := m.(type) {
	case *replica.Batch:
		var dots []logical.Dot
		for _, op := range m.Ops {
			dots = append(dots, op.Dot)
		}
		return "batch " + s.dots(dots)
	case *replica.Status:
		return fmt.Sprintf("status %d of %s has %s", m.Number, s.lives[m.Origin], s.frontier(m.Frontier)) + s.said(m)
	}
	return "?"
}
