package oracle

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// graph is who had been shown whom: a node per update, an edge to everything
// its author had been shown. Edges stay within a key.
type graph struct {
	h              *history.History
	serve          func(key string) rule
	parents        [][]int32             // by update
	up             [][]int32             // by circle: what its members had been shown, without themselves
	rank           []int32               // by update: above the ranks of its parents but those in its circle
	circle         []int32               // by update: the least update of the circle that it is part of
	ops            []op                  // by turn
	opsOf          [][]int32             // by update
	named          map[logical.Dot]int32 // ops by dot
	keys           []keyUpdates          // by key index
	contradictions []history.Contradiction
}

// keyUpdates is the updates of one key by rank.
type keyUpdates struct {
	name    string
	updates []int32
	deletes []int32
	soonest []int32 // by index among deletes: the first turn at which this one or a later one was accepted

	// retried says that some request was accepted again. It is one update, but it may
	// have been seen under one dot and have won under the other, which nobody had seen.
	// Its past is then not exact, and the judge decides in favour of the servers.
	retried  bool
	unvalued bool // it is not known what some write puts

	// crossed says that such requests were accepted in opposite orders: each is in
	// the past of the other.
	crossed bool
}

// retried reports whether u was accepted more than once.
func (g *graph) retried(u int32) bool { return len(g.h.Updates[u].Acceptances) > 1 }

// rule is what of a resolver matters to the oracle.
type rule struct {
	counter bool // accounted by the sum
	// keeps says that a delete leaves nothing behind and nothing else can beat a
	// write.
	keeps bool
	// outlives says that a version that was overwritten may still beat a later one and
	// be shown again when nothing else is left, because clocks decide before causality.
	outlives bool
}

// ruleOf knows the resolvers by name. All others show what is greatest by some
// stamp, and a deletion like any other write.
func ruleOf(resolver string) rule {
	return rule{counter: resolver == "counter", keeps: resolver == "counter" || resolver == "siblings", outlives: resolver == "interval"}
}

func newGraph(h *history.History, serve func(key string) string) *graph {
	g := &graph{h: h, serve: func(key string) rule { return ruleOf(serve(key)) }, contradictions: slices.Clone(h.Contradictions)}
	g.list()
	g.parents = make([][]int32, len(h.Updates))
	for u, q := range h.Updates {
		g.parents[u] = g.parentsOf(int32(u), q)
	}
	g.chain()
	g.order()
	for k := range g.keys {
		g.timeDeletes(&g.keys[k])
	}
	g.checkReadings()
	return g
}

// parentsOf is what the author had been shown: what the client says for exact
// writes, else what the acknowledgements say.
func (g *graph) parentsOf(u int32, q *history.Call) []int32 {
	var ps []int32
	if q.Exact {
		ps = g.mentioned(ps, q, q.Shown, q.SentAt, "the client wrote over")
	}
	for i := range q.Acceptances {
		a := &q.Acceptances[i]
		over := g.mentioned(nil, q, a.Over, a.When, g.h.Leaders.List[a.Leader]+" acknowledged writing over")
		if !q.Exact {
			ps = append(ps, over...)
			continue
		}
		g.checkOver(q, a, over, ps)
	}
	return distinct(ps)
}

// checkOver holds what a leader says that the author had seen against what the
// client was shown.
func (g *graph) checkOver(q *history.Call, a *history.AcceptanceAt, over, shown []int32) {
	for _, p := range over {
		if !slices.Contains(shown, p) {
			g.contradict(a.When.At, history.Unshown, q.Key, a.Dot, fmt.Sprintf("%s says that the author of %s had seen %s, which it was never shown",
				g.h.Leaders.List[a.Leader], q.Name(), g.label(p)))
		}
	}
}

// mentioned appends the updates that dots name, and objects to names that mean
// nothing yet.
func (g *graph) mentioned(dst []int32, q *history.Call, dots []logical.Dot, when history.Moment, how string) []int32 {
	for _, d := range dots {
		u, ok := g.resolve(d, q.KeyIndex, when, q.Name()+": "+how)
		if ok {
			dst = append(dst, u)
		}
	}
	return dst
}

// resolve finds the update that d names.
func (g *graph) resolve(d logical.Dot, key int32, when history.Moment, where string) (int32, bool) {
	name := g.h.Keys.List[key]
	u, ok := g.h.ByDot[d]
	if !ok || g.h.Updates[u].KeyIndex != key {
		g.contradict(when.At, history.Unknown, name, d, fmt.Sprintf("%s %s, which names no write of %s", where, d, name))
		return 0, false
	}
	if g.ops[g.named[d]].When.Turn > when.Turn {
		g.contradict(when.At, history.Early, name, d, fmt.Sprintf("%s %s before it was accepted as %s", where, g.label(u), d))
	}
	return u, true
}

// runningTotal names where a counter keeps one running total.
type runningTotal struct {
	key    int32
	origin logical.Origin
}

// chain adds, for counters, an edge from each addition to the one before it on the same
// running total, among ops and among updates: whoever is shown the total is shown all
// that went into it.
func (g *graph) chain() {
	newest := map[runningTotal]int32{}
	for i := range g.ops {
		o, q := &g.ops[i], g.request(int32(i))
		if q.Verb == script.OpDelete || !g.serve(q.Key).counter {
			continue
		}
		a := runningTotal{q.KeyIndex, o.Dot.Origin}
		if p, ok := newest[a]; ok {
			if !slices.Contains(o.over, p) {
				o.over = append(o.over, p)
			}
			if u := g.ops[p].update; u != o.update && !slices.Contains(g.parents[o.update], u) {
				g.parents[o.update] = append(g.parents[o.update], u)
			}
		}
		newest[a] = int32(i)
	}
}

// checkReadings objects to readings that show what was never written.
func (g *graph) checkReadings() {
	for i := range g.h.Replies {
		s := &g.h.Replies[i]
		for _, d := range s.Dots {
			g.resolve(d, s.Key, s.When, g.h.Leaders.List[s.Leader]+" showed "+g.h.Clients.List[s.Client])
		}
	}
}

func (g *graph) timeDeletes(k *keyUpdates) {
	k.soonest = make([]int32, len(k.deletes))
	least := int32(math.MaxInt32)
	for i, d := range slices.Backward(k.deletes) {
		least = min(least, g.h.Updates[d].Acceptances[0].When.Turn)
		k.soonest[i] = least
	}
}

// deletesBy is the deletes of a key that may have been accepted by the turn, by
// rank: all that follow were not.
func (k *keyUpdates) deletesBy(turn int32) []int32 {
	n, _ := slices.BinarySearch(k.soonest, turn+1)
	return k.deletes[:n]
}

func (g *graph) label(u int32) string { return g.h.Updates[u].Name() }

// show is the updates behind a reading of the key, those it can name.
func (g *graph) show(dst []int32, key int32, dots []logical.Dot) []int32 {
	for _, d := range dots {
		if u, ok := g.h.ByDot[d]; ok && g.h.Updates[u].KeyIndex == key && !slices.Contains(dst, u) {
			dst = append(dst, u)
		}
	}
	return dst
}

func (g *graph) contradict(at time.Duration, kind history.ContradictionKind, key string, dot logical.Dot, why string) {
	g.contradictions = append(g.contradictions, history.Contradiction{At: at, Kind: kind, Key: key, Dot: dot, Why: why})
}

// distinct sorts and removes repetitions, in place.
func distinct(us []int32) []int32 {
	slices.Sort(us)
	return slices.Compact(us)
}

// op is one acceptance of an update. A request that was accepted again has several,
// and each had been shown something of its own: what one of them overwrote or
// deleted, the others did not. Ops are numbered in the order of their acceptance, so
// that what an op went over has a smaller number.
type op struct {
	*history.AcceptanceAt
	update int32
	over   []int32 // the ops that its author had been shown
}

func (g *graph) list() {
	for u, q := range g.h.Updates {
		for i := range q.Acceptances {
			g.ops = append(g.ops, op{AcceptanceAt: &q.Acceptances[i], update: int32(u)})
		}
	}
	slices.SortStableFunc(g.ops, func(a, b op) int { return cmp.Compare(a.When.Turn, b.When.Turn) })
	g.named = make(map[logical.Dot]int32, len(g.ops))
	g.opsOf = make([][]int32, len(g.h.Updates))
	for i := range g.ops {
		o := &g.ops[i]
		g.named[o.Dot] = int32(i)
		g.opsOf[o.update] = append(g.opsOf[o.update], int32(i))
		o.over = g.opsNamed(nil, g.h.Updates[o.update].KeyIndex, g.shownTo(o))
		o.over = slices.DeleteFunc(o.over, func(p int32) bool { return p >= int32(i) })
	}
}

// shownTo is the dots that the author of the op had been shown.
func (g *graph) shownTo(o *op) []logical.Dot {
	if q := g.h.Updates[o.update]; q.Exact {
		return q.Shown
	}
	return o.Over
}

// opsNamed appends the ops of a key that have the dots.
func (g *graph) opsNamed(dst []int32, key int32, dots []logical.Dot) []int32 {
	for _, d := range dots {
		if i, ok := g.named[d]; ok && g.h.Updates[g.ops[i].update].KeyIndex == key && !slices.Contains(dst, i) {
			dst = append(dst, i)
		}
	}
	return dst
}

func (g *graph) opsOn(k *keyUpdates) []int32 {
	var list []int32
	for _, u := range k.updates {
		list = append(list, g.opsOf[u]...)
	}
	slices.Sort(list)
	return list
}

// first is the first of several dots; none: the zero dot.
func first(dots []logical.Dot) (d logical.Dot) {
	if len(dots) > 0 {
		d = dots[0]
	}
	return d
}

func (g *graph) least(ops []int32) int32 {
	return slices.MinFunc(ops, func(a, b int32) int { return g.ops[a].Dot.Compare(g.ops[b].Dot) })
}

func (g *graph) updatesOf(ops []int32) []int32 {
	var us []int32
	for _, i := range ops {
		us = append(us, g.ops[i].update)
	}
	return us
}

// overs is what every op went over, for walking down.
func (g *graph) overs() [][]int32 {
	list := make([][]int32, len(g.ops))
	for i := range g.ops {
		list[i] = g.ops[i].over
	}
	return list
}

func (g *graph) request(i int32) *history.Call { return g.h.Updates[g.ops[i].update] }
