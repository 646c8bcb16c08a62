package replica_test

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/resolve/limits"
)

func config(name replica.Leader, peers ...replica.Leader) replica.Config {
	cfg := replica.Defaults()
	cfg.Name, cfg.Peers = name, peers
	cfg.Policy.Shadows = resolve.All
	cfg.ClockHold = time.Second // for peers that are never heard
	return cfg
}

func TestWriteAnswersWithWhatItDid(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	first := n.ask(set("x", "a"))
	second := n.ask(set("x", "b"))
	if second.Dot != (logical.Dot{Origin: 7, Seq: 2}) || !slices.Equal(second.Over, []logical.Dot{first.Dot}) {
		t.Errorf("second write is %s over %v, want place 2 over %s", second.Dot, second.Over, first.Dot)
	}
	if got := string(second.Shown.Values[0]); len(second.Shown.Values) != 1 || got != "b" {
		t.Errorf("shown after the write: %q", second.Shown.Values)
	}
	if !second.Token.Frontier.Covers(second.Dot) || first.Token.Frontier.Covers(second.Dot) {
		t.Errorf("tokens cover %s and %s; the first must not cover the second write", first.Token.Frontier, second.Token.Frontier)
	}
	op, _ := n.store.Op(second.Dot)
	if op.Deps.At(7) != 1 || op.Lamport != 2 || second.Token.Lamport != 2 {
		t.Errorf("op depends on %s and has stamp %d", op.Deps, op.Lamport)
	}
}

func TestReplySharesNothingThatChanges(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(set("x", "a"))
	rep := n.ask(set("x", "b"))
	before := rep.Token.Frontier.String() + rep.Over[0].String() + rep.Shown.Dots[0].String()
	for range 10 {
		n.ask(set("x", "c"))
	}
	if after := rep.Token.Frontier.String() + rep.Over[0].String() + rep.Shown.Dots[0].String(); after != before {
		t.Errorf("the reply changed from %s to %s", before, after)
	}
}

func TestClientMistakesAreReplies(t *testing.T) {
	for name, c := range map[string]struct {
		q    *replica.Request
		want error
	}{
		"no verb":         {&replica.Request{Key: "x"}, replica.ErrBadRequest},
		"long key":        {set(strings.Repeat("k", limits.Key+1), "v"), replica.ErrBadRequest},
		"forged lamport":  {&replica.Request{Verb: replica.Get, Key: "x", Token: replica.Token{Lamport: math.MaxUint64}}, replica.ErrBadRequest},
		"shown zero":      {&replica.Request{Verb: replica.Set, Key: "x", Exact: true, Shown: []logical.Dot{{}}}, replica.ErrBadRequest},
		"shown of others": {&replica.Request{Verb: replica.Set, Key: "x", Exact: true, Shown: []logical.Dot{{Origin: 7, Seq: 1}}}, replica.ErrBadRequest},
		"word plus one":   {incr("word", 1), resolve.ErrNotInteger},
		"too far":         {incr("big", math.MaxInt64), resolve.ErrOverflow},
		"word to counter": {set("n/x", "word"), resolve.ErrNotInteger},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("n1")
			cfg.Policy.Rules = []resolve.Rule{{Prefix: "n/", Resolver: resolve.Counter}}
			n := newNode(t, cfg, 7)
			n.ask(set("word", "w"))
			n.ask(set("big", "1"))
			before := n.core.State().Frontier.String()
			rep := n.ask(c.q)
			if !errors.Is(rep.Err, c.want) {
				t.Fatalf("answered %v, want %v", rep.Err, c.want)
			}
			if after := n.core.State().Frontier.String(); after != before {
				t.Errorf("the frontier moved from %s to %s", before, after)
			}
		})
	}
}

func TestExactWriteOverwritesOnlyWhatWasShown(t *testing.T) {
	cfg := config("n1")
	cfg.Policy.Default = resolve.Siblings
	n := newNode(t, cfg, 7)
	a := n.ask(set("x", "a"))
	b := n.ask(&replica.Request{Verb: replica.Set, Key: "x", Value: []byte("b"), Exact: true})
	if len(b.Over) != 0 || len(b.Shown.Values) != 2 {
		t.Fatalf("blind write went over %v and shows %q", b.Over, b.Shown.Values)
	}
	shown := []logical.Dot{b.Dot, a.Dot, b.Dot}
	c := n.ask(&replica.Request{Verb: replica.Remove, Key: "x", Exact: true, Shown: shown})
	if !slices.Equal(c.Over, []logical.Dot{a.Dot, b.Dot}) || len(c.Shown.Values) != 0 {
		t.Errorf("removal went over %v and leaves %q", c.Over, c.Shown.Values)
	}
	if o := n.store.Object("x"); len(o.Versions) == 0 {
		t.Error("the stamp resolvers keep no deletion")
	}
}

func TestRetryAtTheSameLeader(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(set("x", "40"))
	again := func() *replica.Request {
		q := incr("x", 2)
		q.Client, q.Number = 9, 1
		return q
	}
	first := n.ask(again())
	n.ask(set("x", "50"))
	rep := n.ask(again())
	if !rep.Retry || rep.Dot != first.Dot || string(rep.Wrote) != "42" || string(rep.Shown.Values[0]) != "50" {
		t.Errorf("the retry is answered %+v; the first was %s", rep, first.Dot)
	}
	if !slices.Equal(rep.Over, first.Over) {
		t.Errorf("the retry went over %v, the first over %v", rep.Over, first.Over)
	}
	other := set("y", "1")
	other.Client, other.Number = 9, 1
	if rep := n.ask(other); !errors.Is(rep.Err, replica.ErrBadRequest) {
		t.Errorf("the same number for another key is answered %v", rep.Err)
	}
}

func TestRetryWithinOneStepOfWaiting(t *testing.T) {
	a, b := newNode(t, config("a", "b"), 7), newNode(t, config("b", "a"), 8)
	seen := a.cycle(replica.PeerUp{Peer: "b"}, set("x", "1"))
	q := func() *replica.Request {
		q := incr("x", 1)
		q.Client, q.Number, q.Token = 9, 1, seen.Replies[0].Token
		return q
	}
	out := b.cycle(q(), q(), replica.Received{From: "a", Message: &replica.Batch{Ops: ops(seen.Sends)}})
	if len(out.Replies) != 2 || out.Replies[0].Retry || !out.Replies[1].Retry || out.Replies[0].Dot != out.Replies[1].Dot {
		t.Fatalf("two tries that waited together are answered %+v", out.Replies)
	}
	if got := of[replica.TokenWaited](out.Events); len(got) != 2 || got[0].GaveUp {
		t.Errorf("events: %+v", got)
	}
}

// A counter that was incremented once, at two leaders, counts once everywhere.
func TestRetryAtAnotherLeaderCountsOnce(t *testing.T) {
	for _, serving := range []resolve.ID{resolve.Counter, resolve.Siblings, resolve.LWW} {
		t.Run(serving.String(), func(t *testing.T) {
			w := newWorld(t, 1, 3, func(c *replica.Config) { c.Policy.Default = serving })
			w.feed("n1", set("x", "10"))
			w.mustConverge(time.Second)
			for _, at := range []replica.Leader{"n1", "n2"} {
				q := incr("x", 5)
				q.Client, q.Number = 9, 1
				w.feed(at, q)
			}
			w.mustConverge(time.Second)
			found := of[replica.DuplicateFound](w.events)
			if len(found) != 3 {
				t.Errorf("%d leaders found the duplicates, want 3: %v", len(found), found)
			}
			for _, f := range found {
				if f != found[0] || f.A.Compare(f.B) >= 0 {
					t.Errorf("duplicates found as %v and %v", f, found[0])
				}
			}
			for _, name := range w.names {
				n := w.nodes[name]
				if d, _ := n.store.Request(9, 1); d != found[0].A {
					t.Errorf("%s credits %s, want the smaller dot %s", name, d, found[0].A)
				}
				if rep := n.ask(get("x")); len(rep.Shown.Values) != 1 || string(rep.Shown.Values[0]) != "15" {
					t.Errorf("%s shows %q, want 15 once", name, rep.Shown.Values)
				}
			}
		})
	}
}

// However many leaders accept a request before they hear of each other, it counts
// once, and all of them remember the same.
func TestRetriesAtEveryLeaderCountOnce(t *testing.T) {
	w := newWorld(t, 1, 4, func(c *replica.Config) { c.Policy.Default = resolve.Counter })
	for _, at := range w.names {
		q := incr("x", 5)
		q.Client, q.Number = 9, 1
		w.feed(at, q)
	}
	w.mustConverge(time.Second)
	most := map[int]int{}
	for _, f := range of[replica.DuplicateFound](w.events) {
		most[f.Dots]++
	}
	if want := map[int]int{2: 4, 3: 4, 4: 4}; !maps.Equal(most, want) {
		t.Errorf("dots found together: %v, want %v", most, want)
	}
	first := w.nodes[w.names[0]].store
	for _, name := range w.names {
		n := w.nodes[name]
		for d := range n.store.Log {
			if dots := n.store.Duplicates(d); len(dots) != 4 || !slices.IsSortedFunc(dots, logical.Dot.Compare) || !slices.Equal(dots, first.Duplicates(d)) {
				t.Errorf("%s holds %v as the request of %s, %s %v", name, dots, d, w.names[0], first.Duplicates(d))
			}
		}
		if rep := n.ask(get("x")); len(rep.Shown.Values) != 1 || string(rep.Shown.Values[0]) != "5" {
			t.Errorf("%s shows %q, want 5 once", name, rep.Shown.Values)
		}
	}
}

// The client's number is taken by another key, whose write has the smallest dot:
// that must not keep the other two from finding each other.
func TestOneNumberForTwoKeysHidesNoDuplicates(t *testing.T) {
	for _, odd := range []replica.Leader{"n1", "n2", "n3"} {
		w := newWorld(t, 1, 3, func(c *replica.Config) { c.Policy.Default = resolve.Counter })
		for _, at := range w.names {
			q := incr("x", 5)
			if at == odd {
				q = incr("y", 7)
			}
			q.Client, q.Number = 9, 1
			w.feed(at, q)
		}
		w.mustConverge(time.Second)
		if got := of[replica.DuplicateFound](w.events); len(got) != 3 {
			t.Errorf("%s alone wrote y: duplicates were found %d times, want once by each leader: %v", odd, len(got), got)
		}
		for _, name := range w.names {
			x, y := w.nodes[name].ask(get("x")), w.nodes[name].ask(get("y"))
			if string(x.Shown.Values[0]) != "5" || string(y.Shown.Values[0]) != "7" {
				t.Errorf("%s alone wrote y: %s shows x %q and y %q, want 5 and 7", odd, name, x.Shown.Values, y.Shown.Values)
			}
		}
	}
}

func TestOneNumberForTwoKeysIsTwoWrites(t *testing.T) {
	w := newWorld(t, 1, 2, nil)
	for at, key := range map[replica.Leader]string{"n1": "x", "n2": "y"} {
		q := set(key, "1")
		q.Client, q.Number = 9, 1
		w.feed(at, q)
	}
	w.mustConverge(time.Second)
	if got := of[replica.DuplicateFound](w.events); len(got) != 0 {
		t.Errorf("writes to two keys were taken for one: %v", got)
	}
}

func TestOwnClockSteppingBackKeepsStampsRising(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	a := n.ask(set("x", "a"))
	n.skew = -time.Hour
	b := n.ask(set("x", "b"))
	c := n.ask(set("x", "c"))
	if b.Token.HLC.Compare(a.Token.HLC) <= 0 || c.Token.HLC.Compare(b.Token.HLC) <= 0 {
		t.Errorf("stamps %s, %s, %s do not rise", a.Token.HLC, b.Token.HLC, c.Token.HLC)
	}
}
