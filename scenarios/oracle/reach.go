package oracle

import "slices"

// reach answers whether an update is in another's past. It remembers answers for
// the last few updates asked about, so that asking along a chain walks it once.
type reach struct {
	g       *graph
	parents [][]int32
	rank    []int32 // above the ranks of its parents
	circle  []int32 // what stands for the circle that it is part of
	slots   [4]slot
	turn    int
	stack   []visit
}

// slot remembers who has target in its past.
type slot struct {
	target int32
	epoch  uint32
	said   []uint32 // by update: epoch<<1 | answer; anything else is no answer yet
}

func newOpReach(g *graph) *reach {
	r := &reach{g: g, parents: g.overs(), rank: make([]int32, len(g.ops))}
	for i := range r.rank {
		r.rank[i] = int32(i)
	}
	r.circle = r.rank // each stands for itself
	return r
}

// past reports whether target is in the past of u; nothing is in its own.
func (r *reach) past(u, target int32) bool {
	if u == target {
		return false
	}
	rank := r.rank
	if u, target = r.circle[u], r.circle[target]; u == target {
		return true
	}
	if rank[u] <= rank[target] {
		return false
	}
	s := r.slot(target)
	if s.no(u) || s.yes(u) {
		return s.yes(u)
	}
	r.stack = append(r.stack[:0], visit{update: u})
	for len(r.stack) > 0 {
		top := &r.stack[len(r.stack)-1]
		ps := r.parents[top.update]
		if top.next == len(ps) {
			s.said[top.update] = s.epoch << 1
			r.stack = r.stack[:len(r.stack)-1]
			continue
		}
		p := r.circle[ps[top.next]]
		top.next++
		switch {
		case p == target || s.yes(p):
			r.found(s)
			return true
		case rank[p] > rank[target] && !s.no(p):
			r.stack = append(r.stack, visit{update: p})
		}
	}
	return false
}

// found writes down that everything on the way has the target in its past.
func (r *reach) found(s *slot) {
	for _, v := range r.stack {
		s.said[v.update] = s.epoch<<1 | 1
	}
}

func (s *slot) yes(u int32) bool { return s.said[u] == s.epoch<<1|1 }
func (s *slot) no(u int32) bool  { return s.said[u] == s.epoch<<1 }

// slot is the target's, or the one unused longest made new.
func (r *reach) slot(target int32) *slot {
	for i := range r.slots {
		if s := &r.slots[i]; s.target == target && s.epoch > 0 {
			return s
		}
	}
	s := &r.slots[r.turn%len(r.slots)]
	r.turn++
	if s.said == nil {
		s.said = make([]uint32, len(r.parents))
	}
	s.target = target
	s.epoch++
	return s
}

// reflects reports whether a reading shows u or something that has u in its
// past.
func (r *reach) reflects(shown []int32, u int32) bool {
	for _, s := range shown {
		if s == u || r.past(s, u) {
			return true
		}
	}
	return false
}

// knows reports whether some update of the list is in the past of u.
func (r *reach) knows(u int32, list []int32) bool {
	for _, s := range list {
		if r.past(u, s) {
			return true
		}
	}
	return false
}

// knowsAll reports whether every update of the list is in the past of u.
func (r *reach) knowsAll(u int32, list []int32) bool {
	for _, s := range list {
		if !r.past(u, s) {
			return false
		}
	}
	return true
}

// surely reports whether target is in the past of u by a path without requests that were
// accepted again. What such a request had been shown at one leader says nothing about its
// dot at another.
func (r *reach) surely(u, target int32) bool {
	if !r.past(u, target) {
		return false
	}
	g := r.g
	if !g.keys[g.h.Updates[u].KeyIndex].retried {
		return true
	}
	seen := map[int32]bool{}
	for stack := []int32{u}; len(stack) > 0; {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[v] || g.retried(v) {
			continue
		}
		seen[v] = true
		if slices.Contains(g.parents[v], target) {
			return true
		}
		stack = append(stack, g.parents[v]...)
	}
	return false
}

// marks is a set of updates or ops that is emptied at once.
type marks struct {
	at  []uint32
	now uint32
}

func newMarks(n int) *marks { return &marks{at: make([]uint32, n), now: 1} }

func (m *marks) reset()           { m.now++ }
func (m *marks) add(u int32)      { m.at[u] = m.now }
func (m *marks) has(u int32) bool { return m.at[u] == m.now }

// close adds the given updates and their pasts.
func (m *marks) close(g *graph, from []int32) {
	stack := append([]int32(nil), from...)
	for len(stack) > 0 {
		u := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !m.has(u) {
			m.at[u] = m.now
			stack = append(stack, g.parents[u]...)
		}
	}
}
