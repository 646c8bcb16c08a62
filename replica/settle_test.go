package replica_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// copyOf is a node that holds all that n holds, as a copied directory does.
func copyOf(n *node, cfg replica.Config) *node {
	n.store.Reset()
	c := newNode(n.t, cfg, 1)
	maps.Copy(c.store.Log, n.store.Log)
	for k, o := range n.store.Objects {
		c.store.Objects[k] = o.Clone()
	}
	c.begin(cfg, n.core.State())
	c.now = n.now
	return c
}

// goesOn gives the node another origin.
func (n *node) goesOn(cfg replica.Config, origin logical.Origin) {
	st := n.core.State()
	st.Origin = origin
	n.begin(cfg, st)
}

// lacking is what to lacks of from's log, in the order of the stamps.
func lacking(from, to *node) (all []*resolve.Op) {
	for d, op := range from.store.Log {
		if !to.core.State().Frontier.Covers(d) {
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b *resolve.Op) int { return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot)) })
	return all
}

// feeds sends what to lacks of from's log.
func feeds(from, to *node) {
	all := lacking(from, to)
	if to.now = max(to.now, from.now) + 1_000_000; len(all) > 0 {
		to.cycle(replica.Received{From: "peer", Message: &replica.Batch{Ops: all}})
	}
}

// acts lets the node accept one random write.
func (n *node) acts(t *rapid.T) logical.Dot {
	n.now += 1_000_000
	keys := rapid.SampledFrom([]string{"x", "y"})
	q := &replica.Request{Key: keys.Draw(t, "key")}
	switch rapid.IntRange(0, 4).Draw(t, "verb") {
	case 0:
		q.Verb, q.Value = replica.Set, fmt.Appendf(nil, "%d", rapid.IntRange(0, 99).Draw(t, "value"))
	case 1:
		q.Verb = replica.Remove
	case 2:
		q.Verb, q.Value, q.Exact = replica.Set, fmt.Appendf(nil, "%d", rapid.IntRange(0, 99).Draw(t, "value")), true
	default:
		q.Verb, q.Delta = replica.Incr, rapid.Int64Range(1, 50).Draw(t, "delta")
	}
	return n.ask(q).Dot
}

// shownBy is what the node shows of a key, siblings in any order.
func shownBy(n *node, key string) string {
	var all []string
	for _, v := range n.ask(get(key)).Shown.Values {
		all = append(all, string(v))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A leader and its copy give one dot to two writes, and then everybody goes on under
// origins of their own, applies all there is, and may still differ. Once the dot is
// settled, by whoever and whatever was chosen, and beside whatever others write
// meanwhile, leaders that have applied the same show the same: under every resolver.
func TestLeadersShowTheSameOnceADotIsSettled(t *testing.T) {
	for id := range resolve.All.Each {
		t.Run(id.String(), func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { settlesAll(t, id) }) })
	}
}

func settlesAll(t *rapid.T, id resolve.ID) {
	cfg := config("a")
	cfg.Policy.Default = id
	a, b := newNode(t, cfg, 7), newNode(t, cfg, 8)
	for range rapid.IntRange(0, 5).Draw(t, "before") {
		rapid.SampledFrom([]*node{a, b}).Draw(t, "by").acts(t)
		if rapid.Bool().Draw(t, "meet") {
			feeds(a, b)
			feeds(b, a)
		}
	}
	copied := copyOf(a, cfg)
	dot := a.acts(t)
	if other := copied.acts(t); dot.Seq != other.Seq || dot.Origin != other.Origin {
		return // one of them wrote nothing
	}
	longer := rapid.SampledFrom([]*node{a, copied}).Draw(t, "goes on under the origin")
	for range rapid.IntRange(0, 2).Draw(t, "further") {
		longer.acts(t)
	}
	if longer != a || rapid.Bool().Draw(t, "a begins anew") {
		a.goesOn(cfg, 11)
	}
	copied.goesOn(cfg, 12)
	all := []*node{a, b, copied}
	for range rapid.IntRange(0, 4).Draw(t, "after") {
		rapid.SampledFrom(all).Draw(t, "by").acts(t)
		feeds(rapid.SampledFrom(all).Draw(t, "from"), rapid.SampledFrom(all).Draw(t, "to"))
	}
	settles(t, all, dot, [2]*resolve.Op{a.store.Log[dot], copied.store.Log[dot]})
	for range 2 {
		for _, from := range all {
			for _, to := range all {
				feeds(from, to)
			}
		}
	}
	for _, n := range all[1:] {
		for _, key := range []string{"x", "y"} {
			if got, want := shownBy(n, key), shownBy(a, key); got != want {
				t.Fatalf("%s is %q at one leader and %q at another", key, want, got)
			}
		}
		if n.store.Settled[dot] != a.store.Settled[dot] || n.store.Settled[dot].Origin == 0 {
			t.Fatalf("settled by %v at one leader and %v at another", a.store.Settled[dot], n.store.Settled[dot])
		}
	}
}

// settles lets one leader settle the dot, after it has applied what there is, while
// others go on.
func settles(t *rapid.T, all []*node, dot logical.Dot, contents [2]*resolve.Op) {
	who := rapid.SampledFrom(all).Draw(t, "settled by")
	for _, from := range all {
		feeds(from, who)
	}
	if who.store.Log[dot] != contents[0] {
		contents[0], contents[1] = contents[1], contents[0]
	}
	for range rapid.IntRange(0, 2).Draw(t, "beside") {
		if n := rapid.SampledFrom(all).Draw(t, "by"); n != who {
			n.acts(t)
		}
	}
	m := &replica.Settlement{Contents: contents[:], Chosen: rapid.IntRange(-1, 1).Draw(t, "chosen"), Newer: rapid.Bool().Draw(t, "newer")}
	who.now += 1_000_000_000
	rep := who.ask(&replica.Request{Verb: replica.Settle, Key: contents[0].Key, Settlement: m, Token: replica.Seen(m)})
	if rep.Err != nil {
		t.Fatalf("settle: %v", rep.Err)
	}
}

// What is added to a counter counts once, whoever added it and whenever, but for what
// was added under the dot and not chosen.
func TestEveryOtherAdditionCountsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := config("a")
		cfg.Policy.Default = resolve.Counter
		a, b := newNode(t, cfg, 7), newNode(t, cfg, 8)
		sum := int64(0)
		adds := func(n *node) (logical.Dot, int64) {
			n.now += 1_000_000
			by := rapid.Int64Range(1, 50).Draw(t, "delta")
			sum += by
			return n.ask(incr("x", by)).Dot, by
		}
		for range rapid.IntRange(0, 3).Draw(t, "before") {
			adds(rapid.SampledFrom([]*node{a, b}).Draw(t, "by"))
		}
		feeds(b, a)
		copied := copyOf(a, cfg)
		dot, here := adds(a)
		_, there := adds(copied)
		longer := rapid.SampledFrom([]*node{a, copied}).Draw(t, "goes on under the origin")
		for range rapid.IntRange(0, 2).Draw(t, "further") {
			adds(longer)
		}
		a.goesOn(cfg, 11)
		copied.goesOn(cfg, 12)
		all := []*node{a, b, copied}
		for range rapid.IntRange(0, 4).Draw(t, "after") {
			adds(rapid.SampledFrom(all).Draw(t, "by"))
		}
		who := rapid.SampledFrom(all).Draw(t, "settled by")
		for _, from := range all {
			feeds(from, who)
		}
		contents := []*resolve.Op{a.store.Log[dot], copied.store.Log[dot]}
		if who.store.Log[dot] != contents[0] {
			slices.Reverse(contents)
			here, there = there, here
		}
		chosen := rapid.IntRange(0, 1).Draw(t, "chosen")
		m := &replica.Settlement{Contents: contents, Chosen: chosen, Newer: rapid.Bool().Draw(t, "newer")}
		who.now += 1_000_000_000
		if rep := who.ask(&replica.Request{Verb: replica.Settle, Key: "x", Settlement: m, Token: replica.Seen(m)}); rep.Err != nil {
			t.Fatal(rep.Err)
		}
		sum -= []int64{there, here}[chosen]
		for _, n := range all {
			feeds(who, n)
			if got := shownBy(n, "x"); got != fmt.Sprint(sum) {
				t.Fatalf("the sum is %s, want %d", got, sum)
			}
		}
	})
}

// What counters come to is what was chosen, and nothing counts twice.
func TestACounterIsSettledToWhatWasChosen(t *testing.T) {
	for chosen, want := range map[int]string{0: "13", 1: "15", replica.KeepShown: "13"} {
		cfg := config("a")
		cfg.Policy.Default = resolve.Counter
		a := newNode(t, cfg, 7)
		a.ask(incr("x", 10))
		copied := copyOf(a, cfg)
		dot := a.ask(incr("x", 3)).Dot
		copied.ask(incr("x", 5))
		a.goesOn(cfg, 11)
		copied.goesOn(cfg, 12)
		m := &replica.Settlement{Contents: []*resolve.Op{a.store.Log[dot], copied.store.Log[dot]}, Chosen: chosen}
		a.now += 1_000_000
		if rep := a.ask(&replica.Request{Verb: replica.Settle, Key: "x", Settlement: m, Token: replica.Seen(m)}); rep.Err != nil {
			t.Fatal(rep.Err)
		}
		feeds(a, copied)
		for _, n := range []*node{a, copied} {
			if got := shownBy(n, "x"); got != want {
				t.Errorf("chosen %d: %q, want %q", chosen, got, want)
			}
		}
	}
}

// Writes to two keys under one dot are no rivals: both stay, whichever was chosen.
func TestContentsOfTwoKeysBothStay(t *testing.T) {
	for id := range resolve.All.Each {
		for chosen := range 2 {
			cfg := config("a")
			cfg.Policy.Default = id
			a := newNode(t, cfg, 7)
			copied := copyOf(a, cfg)
			dot := a.ask(set("x", "1")).Dot
			copied.ask(set("y", "2"))
			a.goesOn(cfg, 11)
			copied.goesOn(cfg, 12)
			m := &replica.Settlement{Contents: []*resolve.Op{a.store.Log[dot], copied.store.Log[dot]}, Chosen: chosen}
			a.now += 1_000_000
			a.ask(&replica.Request{Verb: replica.Settle, Key: "x", Settlement: m, Token: replica.Seen(m)})
			feeds(a, copied)
			for _, n := range []*node{a, copied} {
				if x, y := shownBy(n, "x"), shownBy(n, "y"); x != "1" || y != "2" {
					t.Errorf("%s: x is %q, y is %q", id, x, y)
				}
			}
		}
	}
}

// A leader whose clock is behind a content would lose to it where that was folded, so
// it does not settle.
func TestAClockBehindSettlesNothing(t *testing.T) {
	cfg := config("a")
	a := newNode(t, cfg, 7)
	copied := copyOf(a, cfg)
	dot := a.ask(set("x", "1")).Dot
	copied.now += 60_000_000_000
	copied.ask(set("x", "2"))
	a.goesOn(cfg, 11)
	a.now += 1_000_000
	m := &replica.Settlement{Contents: []*resolve.Op{a.store.Log[dot], copied.store.Log[dot]}}
	rep := a.ask(&replica.Request{Verb: replica.Settle, Key: "x", Settlement: m, Token: replica.Seen(m)})
	if !errors.Is(rep.Err, replica.ErrBehind) || !strings.Contains(rep.Err.Error(), "only in 59.999s") {
		t.Errorf("settled with %v", rep.Err)
	}
}
