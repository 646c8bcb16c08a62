package oracle

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/scenarios/history"
)

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
