package oracle

import (
	"fmt"
	"slices"

	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// visit is one step of a walk down a graph that must not recurse: histories are
// deep.
type visit struct {
	update int32
	next   int // the next parent to visit
}

// order ranks the updates so that parents have lower ranks. Requests that were accepted
// again in opposite orders have been shown each other. They are a circle: all of its
// updates have one rank, and each is in the past of the others. Without circles, ranks
// are the order of acceptance.
func (g *graph) order() {
	n := len(g.parents)
	g.rank, g.circle, g.up = make([]int32, n), make([]int32, n), g.parents
	g.keys = make([]keyUpdates, len(g.h.Keys.List))
	for k := range g.keys {
		g.keys[k].name = g.h.Keys.List[k]
	}
	r := ranking{graph: g, index: make([]int32, n), low: make([]int32, n), open: make([]bool, n)}
	for u := range int32(n) {
		if r.index[u] == 0 {
			r.descend(u)
		}
	}
}

// ranking finds circles (Tarjan 1972).
type ranking struct {
	*graph
	index []int32 // by update: its number in the order of visits; zero: not visited
	low   []int32 // by update: the least index that is reached from it among those open
	open  []bool  // by update: its circle is not complete
	stack []int32 // all that are open
	calls []visit
	met   int32
	ranks int32
}

// descend ranks u after everything in its past.
func (r *ranking) descend(u int32) {
	r.enter(u)
	for len(r.calls) > 0 {
		top := &r.calls[len(r.calls)-1]
		u := top.update
		if top.next < len(r.parents[u]) {
			p := r.parents[u][top.next]
			top.next++
			switch {
			case r.index[p] == 0:
				r.enter(p)
			case r.open[p]:
				r.low[u] = min(r.low[u], r.index[p])
			}
			continue
		}
		r.calls = r.calls[:len(r.calls)-1]
		if n := len(r.calls); n > 0 {
			child := r.calls[n-1].update
			r.low[child] = min(r.low[child], r.low[u])
		}
		if r.low[u] == r.index[u] {
			r.complete(u)
		}
	}
}

func (r *ranking) enter(u int32) {
	r.met++
	r.index[u], r.low[u], r.open[u] = r.met, r.met, true
	r.stack = append(r.stack, u)
	r.calls = append(r.calls, visit{update: u})
}

// complete ranks the circle that was entered at u.
func (r *ranking) complete(u int32) {
	from := slices.Index(r.stack, u)
	if last := len(r.stack) - 1; r.stack[last] == u {
		from = last
	}
	members := slices.Sorted(slices.Values(r.stack[from:]))
	r.stack = r.stack[:from]
	for _, m := range members {
		r.open[m] = false
		r.assign(m, members[0], r.ranks)
	}
	r.ranks++
	if len(members) > 1 || slices.Contains(r.parents[u], u) {
		r.joinCircle(members)
	}
}

func (g *graph) assign(u, circle, rank int32) {
	g.rank[u], g.circle[u] = rank, circle
	q := g.h.Updates[u]
	k := &g.keys[q.KeyIndex]
	k.retried = k.retried || g.retried(u)
	k.unvalued = k.unvalued || q.Verb != script.OpDelete && !q.Valued
	k.updates = append(k.updates, u)
	if q.Verb == script.OpDelete {
		k.deletes = append(k.deletes, u)
	}
}

// joinCircle makes what members had been shown the past of all of them. A circle that no
// retried request is part of cannot be.
func (g *graph) joinCircle(members []int32) {
	if &g.up[0] == &g.parents[0] {
		g.up = slices.Clone(g.parents)
	}
	var up []int32
	for _, m := range members {
		up = append(up, g.parents[m]...)
	}
	g.up[members[0]] = slices.DeleteFunc(distinct(up), func(p int32) bool { return slices.Contains(members, p) })
	if slices.ContainsFunc(members, g.retried) {
		g.keys[g.h.Updates[members[0]].KeyIndex].crossed = true
		return
	}
	u := members[len(members)-1]
	q, a := g.h.Updates[u], &g.h.Updates[u].Acceptances[0]
	p := g.parents[u][slices.IndexFunc(g.parents[u], func(p int32) bool { return slices.Contains(members, p) })]
	g.contradict(a.When.At, history.Circle, q.Key, a.Dot, fmt.Sprintf("%s had been shown %s, whose author had been shown %s", q.Name(), g.label(p), q.Name()))
}

// lowest is the smallest rank of what is shown, or -1.
func (g *graph) lowest(shown []int32) int32 {
	low := int32(-1)
	for i, u := range shown {
		if rank := g.rank[u]; i == 0 || rank < low {
			low = rank
		}
	}
	return low
}
