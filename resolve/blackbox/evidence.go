package blackbox

import (
	"cmp"
	"slices"
	"strconv"

	"kvd/wallclock"
)

// shows is the updates behind a reading: those that surely are, and those of which it is
// not known because several wrote the same.
type shows struct{ sure, maybe []int32 }

// maxAlike is how many writes of one value are told apart by trying each.
const maxAlike = 64

// behind finds the updates behind values that had been read by a moment.
func (h *keyHistory) behind(values []string, by wallclock.Instant) shows {
	var s shows
	for _, v := range values {
		from := len(s.maybe)
		for _, i := range h.byValue[v] {
			if h.updates[i].start <= by {
				s.maybe = append(s.maybe, i)
			}
		}
		if len(s.maybe) == from+1 {
			s.sure = append(s.sure, s.maybe[from])
			s.maybe = s.maybe[:from]
		}
	}
	return s
}

// atNode is something that says what a node held.
type atNode struct {
	start, end wallclock.Instant
	shows
}

// moment is the start of an update, or the end of an update or a reading.
type moment struct {
	at    wallclock.Instant
	start bool
	index int32 // of an update, or of an entry
	read  bool
}

// evidence finds for each update what its author had been shown and what its node held.
// It goes through the moments in order of time: what ended by then is known.
func (h *keyHistory) evidence() {
	nodes := map[uint32][]atNode{}
	clients := map[uint32]shows{}
	for _, m := range h.moments() {
		if m.start {
			u := &h.updates[m.index]
			h.link(m.index, nodes[u.node], clients[u.client])
			continue
		}
		var e *entry
		var s shows
		end := m.at
		if m.read {
			e = &h.entries[m.index]
			s = h.reading(e)
		} else {
			e = h.updates[m.index].entry
			s = shows{sure: []int32{m.index}}
		}
		clients[e.client] = s
		if e.node == unnamed || h.kind == CounterKey && m.read {
			continue
		}
		last := slices.DeleteFunc(nodes[e.node], func(o atNode) bool { return o.end <= e.start })
		nodes[e.node] = append(last, atNode{e.start, end, s})
	}
	h.beside()
}

// reading is the updates behind an answered get. A counter's number names none.
func (h *keyHistory) reading(e *entry) shows {
	if len(e.shown) == 0 {
		return h.behind([]string{absent}, e.end)
	}
	return h.behind(e.shown, e.end)
}

// moments is all of them in order; what ends at a moment ends before what begins then.
func (h *keyHistory) moments() []moment {
	var all []moment
	for i := range h.updates {
		u := &h.updates[i]
		all = append(all, moment{u.start, true, int32(i), false}, moment{u.until, false, int32(i), false})
	}
	for i := range h.entries {
		if e := &h.entries[i]; e.reads() && e.outcome == Acked {
			all = append(all, moment{e.end, false, int32(i), true})
		}
	}
	slices.SortFunc(all, func(a, b moment) int {
		if c := cmp.Compare(a.at, b.at); c != 0 || a.start == b.start {
			return cmp.Or(c, cmp.Compare(a.index, b.index))
		}
		if a.start { // an update that takes no time begins before it ends
			if !b.read && a.index == b.index {
				return -1
			}
			return 1
		}
		if !a.read && a.index == b.index {
			return 1
		}
		return -1
	})
	return all
}

// link notes what an update goes over.
func (h *keyHistory) link(i int32, node []atNode, client shows) {
	u := &h.updates[i]
	var held shows
	for _, o := range node {
		held.sure, held.maybe = append(held.sure, o.sure...), append(held.maybe, o.maybe...)
	}
	u.held = distinct(held.sure, i)
	over := shows{held.sure, held.maybe}
	switch {
	case u.exact():
		over = h.behind(u.shown, u.start)
		if len(u.shown) == 0 {
			over = h.behind([]string{absent}, u.start)
		}
	case u.verb == Incr && u.known:
		over = h.before(i)
	default:
		over.sure, over.maybe = append(over.sure, client.sure...), append(over.maybe, client.maybe...)
	}
	u.parents, u.maybe = distinct(over.sure, i), distinct(over.maybe, i)
	if h.kind == SetKey {
		u.wrote = u.parents
		u.parents = h.newest(u.parents)
	}
}

// before finds the update that left the number which an increment started from.
func (h *keyHistory) before(i int32) shows {
	u := &h.updates[i]
	n, ok := u.number()
	if !ok {
		return shows{}
	}
	s := h.behind([]string{strconv.FormatInt(n-u.delta, 10)}, u.until)
	s.sure, s.maybe = distinct(s.sure, i), distinct(s.maybe, i)
	if len(s.maybe) == 1 {
		return shows{sure: s.maybe}
	}
	var own []int32 // the same number twice: a node is presumed to go on from its own
	for _, c := range s.maybe {
		if v := &h.updates[c]; v.node == u.node && v.node != unnamed {
			own = append(own, c)
		}
	}
	if len(own) == 1 {
		h.presumed = true
		return shows{sure: own}
	}
	return s
}

// newest leaves out what another of them had been made of.
func (h *keyHistory) newest(all []int32) []int32 {
	covered := map[int32]bool{}
	var top []int32
	for _, i := range slices.Backward(all) {
		if covered[i] {
			continue
		}
		top = append(top, i)
		if len(top) == len(all) {
			break
		}
		for _, j := range h.updates[i].wrote {
			covered[j] = true
		}
	}
	slices.Sort(top)
	return top
}

// distinct is the list without repetitions and without the update itself, in order.
func distinct(all []int32, without int32) []int32 {
	all = slices.Clone(all)
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(i int32) bool { return i == without })
}

// beside notes, of updates that name nothing they went over, those at the same node that
// were under way at the same time: either may have gone over the other.
func (h *keyHistory) beside() {
	byNode := map[uint32][]int32{}
	for i := range h.updates {
		if u := &h.updates[i]; u.node != unnamed {
			byNode[u.node] = append(byNode[u.node], int32(i))
		}
	}
	for _, all := range byNode {
		slices.SortFunc(all, func(a, b int32) int {
			return cmp.Or(cmp.Compare(h.updates[a].start, h.updates[b].start), cmp.Compare(a, b))
		})
		var open []int32
		for _, i := range all {
			u := &h.updates[i]
			open = slices.DeleteFunc(open, func(j int32) bool { return h.updates[j].until <= u.start })
			for _, j := range open {
				h.overlap(i, j)
				h.overlap(j, i)
			}
			open = append(open, i)
		}
	}
}

func (h *keyHistory) overlap(i, j int32) {
	if u := &h.updates[i]; u.blind() {
		u.besides = append(u.besides, j)
	}
}

// blind reports whether what the update went over is what its node held, and the node
// alone knew that.
func (u *update) blind() bool { return !u.exact() && !(u.verb == Incr && u.known) }

// reach is what one update goes over, directly or through others.
type reach struct {
	h    *keyHistory
	seen []bool
	todo []int32
	// before is the latest time by which a blind update of the past had been done, of
	// updates that are only looked for where they may be.
	before wallclock.Instant
}

// surely is the updates in the past of one that is shown, itself among them.
func (h *keyHistory) surely(shown int32) []bool {
	r := &reach{h: h, seen: make([]bool, len(h.updates))}
	r.push(shown)
	for _, j := range h.updates[shown].besides {
		r.push(j)
	}
	for len(r.todo) > 0 {
		for _, p := range h.updates[r.pop()].parents {
			r.push(p)
		}
	}
	return r.seen
}

// possibly is the updates that may be in the past of one that is shown.
func (h *keyHistory) possibly(shown int32) []bool {
	r := &reach{h: h, seen: make([]bool, len(h.updates))}
	r.push(shown)
	for len(r.todo) > 0 {
		u := &h.updates[r.pop()]
		for _, list := range [][]int32{u.parents, u.maybe, u.besides} {
			for _, p := range list {
				r.push(p)
			}
		}
		if u.blind() && !h.alone() {
			r.before = max(r.before, u.until)
		}
	}
	for i := range r.seen {
		r.seen[i] = r.seen[i] || h.updates[i].start < r.before
	}
	return r.seen
}

func (r *reach) push(i int32) {
	if !r.seen[i] {
		r.seen[i] = true
		r.todo = append(r.todo, i)
	}
}

func (r *reach) pop() int32 {
	i := r.todo[len(r.todo)-1]
	r.todo = r.todo[:len(r.todo)-1]
	return i
}

// alone reports whether all updates went to one node that is known by name: nothing can
// have arrived there unobserved.
func (h *keyHistory) alone() bool {
	for i := range h.updates {
		if n := h.updates[i].node; n == unnamed || n != h.updates[0].node {
			return false
		}
	}
	return true
}
