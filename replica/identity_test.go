package replica_test

import (
	"errors"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// refusesOwn fails unless the node takes no writes because its origin is shared.
func refusesOwn(t *testing.T, n *node, says string) {
	t.Helper()
	rep := n.ask(set("refused", "?"))
	if !errors.Is(rep.Err, replica.ErrReadOnly) || !strings.Contains(rep.Err.Error(), says) {
		t.Errorf("a write is answered %v, want %v: %s", rep.Err, replica.ErrReadOnly, says)
	}
}

func takesWrites(t *testing.T, n *node) {
	t.Helper()
	if rep := n.ask(set("taken", "!")); rep.Err != nil {
		t.Errorf("a write is answered %v", rep.Err)
	}
}

// What is of our own origin and was not accepted here is another leader's: it is not
// taken, whatever the gate would say to it, and nothing is acknowledged any more.
func TestAnOpOfOurOwnOriginEndsWriting(t *testing.T) {
	own := logical.Dot{Origin: 8, Seq: 1}
	for name, op := range map[string]*resolve.Op{
		"its next op":         {Key: "x", Kind: resolve.Put, Dot: own},
		"one further on":      {Key: "x", Kind: resolve.Put, Dot: logical.Dot{Origin: 8, Seq: 2}, Deps: logical.FrontierOf(own)},
		"one that follows it": {Key: "x", Kind: resolve.Put, Dot: logical.Dot{Origin: 7, Seq: 1}, Deps: logical.FrontierOf(own)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newNode(t, config("b", "a"), 8)
			out := b.cycle(batch(op))
			if got := of[replica.Dropped](out.Events); len(got) != 1 || got[0].Reason != replica.NotOurs {
				t.Errorf("events %+v", out.Events)
			}
			if st := b.core.State(); st.Frontier.Len() > 0 || len(out.Puts) > 0 || b.core.Buffered() > 0 {
				t.Errorf("it was taken: %s, puts %+v, %d held", st.Frontier, out.Puts, b.core.Buffered())
			}
			refusesOwn(t, b, "of origin 0000000000000008, this leader's own, which has accepted 0")
		})
	}
	b := newNode(t, config("b", "a"), 8)
	b.cycle(status(7, 1, own))
	refusesOwn(t, b, "this leader's own, which has accepted 0")
}

// Who meets two holders tells both in its statuses, until one of them has another
// origin. A holder that it told takes writes again, unless the other gave dots that
// it has not.
func TestAThirdTellsTheHolders(t *testing.T) {
	third, holder := newNode(t, config("c", "a", "b"), 9), newNode(t, config("b", "c"), 8)
	out := third.cycle(replica.PeerUp{Peer: "b"}, replica.OriginShared{Origin: 8, With: "a", Detail: "met both"})
	if got := of[replica.OriginTwice](out.Events); len(got) != 1 || got[0].Origin != 8 {
		t.Errorf("events %+v", out.Events)
	}
	takesWrites(t, third) // it is none of its own
	hear := func() {
		third.now += 1 << 40
		for _, s := range third.cycle(replica.Tick{}).Sends {
			if st, ok := s.Message.(*replica.Status); ok && s.To == "b" {
				holder.cycle(replica.Received{From: "c", Message: st})
			}
		}
	}
	hear()
	refusesOwn(t, holder, "c has met two live leaders with origin 0000000000000008")
	third.cycle(replica.Received{From: "a", Message: &replica.Status{Origin: 8, Number: 1}})
	hear()
	refusesOwn(t, holder, "")
	third.cycle(replica.Received{From: "a", Message: &replica.Status{Origin: 11, Number: 1}})
	hear()
	takesWrites(t, holder)
}

// Of two holders that met, the one that keeps the origin takes writes again when the
// other greets under a new one, and only then; and not when the other had written on.
func TestTheOtherHolderMayEndIt(t *testing.T) {
	for name, c := range map[string]struct {
		knows  logical.Seq
		lifted bool
	}{"it wrote no further": {0, true}, "it wrote on": {5, false}} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, config("a", "b"), 7)
			n.cycle(replica.OriginShared{Origin: 7, With: "b", Detail: "a and b both have it"})
			refusesOwn(t, n, "a and b both have it; give one of them a new origin with kv admin new-origin")
			n.cycle(replica.Received{From: "c", Message: &replica.Status{Origin: 99, Number: 1}}) // somebody else proves nothing
			refusesOwn(t, n, "")
			s := &replica.Status{Origin: 11, Number: 1}
			if c.knows > 0 {
				s.Frontier = logical.FrontierOf(logical.Dot{Origin: 7, Seq: c.knows})
			}
			n.cycle(replica.Received{From: "b", Message: s})
			if c.lifted {
				takesWrites(t, n)
				return
			}
			refusesOwn(t, n, "b has 5 ops of origin")
		})
	}
}

// Two leaders gave one dot, and were never alive together: a third has the one's op,
// and meets the other. What the logs add up to says so; the ops are compared, and
// what differs is put down with both contents, at both.
func TestLogsThatDifferAreNoticed(t *testing.T) {
	a, b := newNode(t, config("a", "b"), 7), newNode(t, config("b", "a"), 8)
	copied := newNode(t, config("a", "b"), 7)
	for _, n := range []*node{a, copied} {
		n.ask(set("both", "the same"))
	}
	a.ask(set("x", "one"))
	copied.ask(set("y", "other"))
	a.ask(set("z", "the end"))
	copied.ask(set("z", "the end"))
	exchange(t, copied, b, nil)
	if d := b.core.State().Frontier.At(7); d != 3 {
		t.Fatalf("b has %d ops of origin 7", d)
	}
	var events []replica.Event
	exchange(t, a, b, &events)
	conflicts := of[replica.ConflictFound](events)
	if len(of[replica.LogsDiffer](events)) != 2 || len(conflicts) == 0 {
		t.Fatalf("events %+v", events)
	}
	second := logical.Dot{Origin: 7, Seq: 2}
	if got := b.store.Conflicts[second]; len(got) == 0 || got[0].Key != "x" || string(got[0].Value) != "one" {
		t.Errorf("b remembers %v under %s", got, second)
	}
	if got := a.store.Conflicts[second]; len(got) == 0 || got[0].Key != "y" || string(got[0].Value) != "other" {
		t.Errorf("a remembers %v under %s", got, second)
	}
	if held, _ := b.store.Op(second); held.Key != "y" {
		t.Errorf("b's own log was changed: %+v", held)
	}
	refusesOwn(t, a, "b holds other ops of origin 0000000000000007")
	takesWrites(t, b)
}

// Logs that are the same never look different, however far apart their leaders are.
func TestSumsOfTheSameLogAgree(t *testing.T) {
	a, b := newNode(t, config("a", "b"), 7), newNode(t, config("b", "a"), 8)
	var events []replica.Event
	for range 3 {
		for i := range 400 {
			n := []*node{a, b}[i%2]
			n.ask(set("k", "v"))
		}
		exchange(t, a, b, &events)
	}
	if got := of[replica.LogsDiffer](events); len(got) > 0 || len(of[replica.ConflictFound](events)) > 0 {
		t.Errorf("events %+v", got)
	}
	if a.content() != b.content() {
		t.Error("they have not converged, which shows nothing")
	}
}

// exchange connects two nodes anew and lets them talk for some seconds.
func exchange(t *testing.T, a, b *node, events *[]replica.Event) {
	t.Helper()
	at := map[replica.Leader]*node{"a": a, "b": b}
	in := map[replica.Leader][]replica.Input{"a": {replica.PeerDown{Peer: "b"}, replica.PeerUp{Peer: "b"}}, "b": {replica.PeerDown{Peer: "a"}, replica.PeerUp{Peer: "a"}}}
	for range 30 {
		next := map[replica.Leader][]replica.Input{}
		for _, name := range []replica.Leader{"a", "b"} {
			n := at[name]
			n.now += 200_000_000
			out := n.cycle(append(in[name], replica.Tick{})...)
			if events != nil {
				*events = append(*events, out.Events...)
			}
			for _, s := range out.Sends {
				if s.To == "a" || s.To == "b" {
					next[s.To] = append(next[s.To], replica.Received{From: name, Message: s.Message})
				}
			}
		}
		in = next
	}
}

// Where there are more origins than a Status takes sums of, every peer hears of every
// origin, however many peers take their turns at the same moments.
func TestEveryPeerIsToldTheSumOfEveryOrigin(t *testing.T) {
	n := newNode(t, config("n1", "a", "b"), 7)
	const origins = 64 // what two statuses take
	for o := logical.Origin(100); o < 100+origins; o++ {
		n.cycle(batch(begins(o)))
	}
	told := map[replica.Leader]map[logical.Origin]bool{"a": {}, "b": {}}
	n.cycle(replica.PeerUp{Peer: "a"}, replica.PeerUp{Peer: "b"})
	for range 4 {
		n.now += 1 << 40
		for _, s := range n.cycle(replica.Tick{}).Sends {
			if st, ok := s.Message.(*replica.Status); ok {
				for _, sum := range st.Sums {
					told[s.To][sum.Through.Origin] = true
				}
			}
		}
	}
	for name, of := range told {
		if len(of) != origins {
			t.Errorf("%s was told the sums of %d origins of %d", name, len(of), origins)
		}
	}
}
