package oracle

import (
	"fmt"
	"slices"
)

// visit is one step of a walk down a graph that must not recurse: histories are
// deep.
type visit struct {
	update int32
	next   int // the parent to look at next
}

// order ranks the updates so that parents stand below. Edges that close a circle
// are objected to and removed. Without twins, ranks are the order of acceptance.
func (g *graph) order() {
	n := len(g.parents)
	g.rank = make([]int32, n)
	g.keys = make([]keyed, len(g.h.keys.list))
	for k := range g.keys {
		g.keys[k].name = g.h.keys.list[k]
	}
	state := make([]uint8, n)
	next := int32(0)
	for u := range int32(n) {
		if state[u] == unseen {
			g.descend(u, state, &next)
		}
	}
}

const (
	unseen uint8 = iota
	open         // below it is being ranked
	ranked
)

// descend ranks u after everything in its past.
func (g *graph) descend(u int32, state []uint8, next *int32) {
	stack := []visit{{update: u}}
	state[u] = open
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		ps := g.parents[top.update]
		if top.next == len(ps) {
			state[top.update] = ranked
			g.place(top.update, next)
			stack = stack[:len(stack)-1]
			continue
		}
		p := ps[top.next]
		if state[p] == open {
			g.cutCircle(top.update, p, top.next)
			continue
		}
		top.next++
		if state[p] == unseen {
			state[p] = open
			stack = append(stack, visit{update: p})
		}
	}
}

// place gives u the next rank.
func (g *graph) place(u int32, next *int32) {
	g.rank[u] = *next
	*next++
	q := g.h.updates[u]
	k := &g.keys[q.key]
	k.retried = k.retried || g.retried(u)
	k.updates = append(k.updates, u)
	if q.Verb == Delete {
		k.deletes = append(k.deletes, u)
	}
}

func (g *graph) cutCircle(u, p int32, at int) {
	q := g.h.updates[u]
	a := q.acceptances[0]
	if slices.ContainsFunc(g.updatesOf(q.key), g.retried) {
		g.keys[q.key].crossed = true
		g.parents[u] = slices.Delete(g.parents[u], at, at+1)
		return
	}
	g.gripe(a.when.at, Circle, q.Key, a.Dot, fmt.Sprintf("%s had been shown %s, whose author had been shown %s", q.name(), g.label(p), q.name()))
	g.parents[u] = slices.Delete(g.parents[u], at, at+1)
}

// updatesOf lists the updates of a key, ranked or not.
func (g *graph) updatesOf(key int32) []int32 {
	var us []int32
	for u, q := range g.h.updates {
		if q.key == key {
			us = append(us, int32(u))
		}
	}
	return us
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
