package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// sum is the accounting of one counter.
type sum struct {
	j       *judge
	k       int32
	adds    []int32        // all but deletes, by rank
	lost    map[int32]bool // deletes that took nothing away
	taken   map[int32]bool // updates that a delete which took effect has taken away
	covered *marks         // a survivor or in the past of one
	value   int64          // what is shown at the end

	there func(op int32) bool // the ops that are judged
}

// count accounts for a counter's updates by the sum: what was added, less what
// deletes had been shown, is what must be there.
func (j *judge) count(k int32) {
	s := &sum{j: j, k: k, lost: map[int32]bool{}, covered: j.covered}
	s.there = func(i int32) bool { return !j.lacked(i) }
	for _, u := range j.g.keys[k].updates {
		j.fates[u].accounted = true
		q := j.g.h.Updates[u]
		switch {
		case j.perished(u): // it adds nothing and takes nothing away
			s.lose(u)
		case q.Verb != script.OpDelete:
			s.adds = append(s.adds, u)
			s.checkDelta(q)
		}
	}
	if !j.keys[k].converged && j.g.h.AppliedKnown {
		s.countApart()
		return
	}
	s.covered.reset()
	s.covered.close(j.g, j.keys[k].survivors)
	s.missingDeletes()
	s.value = s.nearest(s.expect())
	s.undoneDeletes(j.keys[k].shown)
	s.explain(less(s.value, s.expect()))
	for d := range s.lost {
		j.fates[d] = fate{class: Resurrected}
		if j.perished(d) {
			s.lose(d)
		}
	}
}

// checkDelta holds what a leader says an increment added against what was asked.
func (s *sum) checkDelta(q *history.Call) {
	for i := range q.Acceptances {
		if a := &q.Acceptances[i]; q.Verb == script.OpIncr && a.Delta != q.Delta {
			s.j.g.contradict(a.When.At, history.Miscount, q.Key, a.Dot, fmt.Sprintf("%s says that %s added %d, and %d was asked for",
				s.j.g.h.Leaders.List[a.Leader], q.Name(), a.Delta, q.Delta))
		}
	}
}

// delta is what an update adds: once, whatever it was accepted as. For an
// increment the client knows; for a set the smallest dot's acknowledgement says.
func (s *sum) delta(u int32) int64 {
	q := s.j.g.h.Updates[u]
	if q.Verb == script.OpIncr {
		return q.Delta
	}
	there := slices.DeleteFunc(slices.Clone(s.j.g.opsOf[u]), func(i int32) bool { return !s.there(i) })
	return s.j.g.ops[s.j.g.least(there)].Delta
}

// missingDeletes sets aside deletes that some leader never had although updates of their
// past still count.
func (s *sum) missingDeletes() {
	for _, d := range s.j.g.keys[s.k].deletes {
		if !s.j.gone(d) {
			continue
		}
		if slices.ContainsFunc(s.j.g.parents[d], func(p int32) bool { return s.covered.has(p) }) {
			s.lost[d] = true
		}
	}
}

// expect is the sum that must be shown if the deletes not in lost took effect. A
// delete takes from every running total what its author had seen of it, and a
// request that was accepted several times goes as a whole.
func (s *sum) expect() int64 {
	g, c := s.j.g, s.j.countsOf(s.k)
	gone := c.nothing()
	for _, d := range g.keys[s.k].deletes {
		for _, i := range g.opsOf[d] {
			if !s.lost[d] && s.there(i) {
				gone.join(c.seen[i])
			}
		}
	}
	s.taken = map[int32]bool{}
	var n total
	for _, u := range s.adds {
		if slices.ContainsFunc(g.opsOf[u], func(i int32) bool { return s.there(i) && gone.covers(c, i) }) {
			s.taken[u] = true
			continue
		}
		n.add(s.delta(u))
	}
	return n.shown()
}

// nearest is the value shown at the end; of several, the one nearest to want.
func (s *sum) nearest(want int64) int64 {
	var best int64
	for i, leader := range s.j.leaders {
		n := s.number(leader)
		if i == 0 || abs(less(n, want)) < abs(less(best, want)) {
			best = n
		}
	}
	return best
}

// number reads what a leader shows at the end. Absent counts as zero.
func (s *sum) number(leader string) int64 {
	r := s.j.final(leader, s.k)
	if len(r.Values) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(r.Values[0], 10, 64)
	if err != nil || len(r.Values) > 1 {
		g := s.j.g
		g.contradict(g.h.End, history.Miscount, g.keys[s.k].name, logical.Dot{}, fmt.Sprintf("at the end %s shows %q, which is no number", leader, r.Values))
	}
	return n
}

// undoneDeletes tries whether the number is explained better if deletes with a survivor
// in their past took no effect. The dot alone does not tell: an origin's dot names a
// total, and a delete may have taken a part of it.
func (s *sum) undoneDeletes(shown []int32) {
	before, miss := s.lost, abs(less(s.value, s.expect()))
	s.lost = s.j.undone(s.k, shown)
	for d := range before {
		s.lost[d] = true
	}
	if abs(less(s.value, s.expect())) >= miss {
		s.lost = before
	}
}

// explain turns the difference between what is shown and what must be shown into lost or
// overcounted updates. Updates that no survivor has seen are lost if they are exactly the
// difference.
func (s *sum) explain(diff int64) {
	if diff == 0 {
		return
	}
	var uncovered []int32
	var missing int64
	for _, u := range s.adds {
		if !s.taken[u] && !s.covered.has(u) {
			uncovered = append(uncovered, u)
			missing += s.delta(u)
		}
	}
	switch {
	case diff == -missing:
		for _, u := range uncovered {
			s.lose(u)
		}
	case diff > 0:
		s.j.keys[s.k].overcounted = int(diff / s.unit(diff))
	default:
		s.blame(abs(diff))
	}
}

// unit is what every update adds, if that is the same and the difference is a
// multiple of it; else one.
func (s *sum) unit(diff int64) int64 {
	var unit int64
	for _, u := range s.adds {
		d := abs(s.delta(u))
		if d == 0 || unit != 0 && d != unit {
			return 1
		}
		unit = d
	}
	if unit == 0 || diff%unit != 0 {
		return 1
	}
	return unit
}

// blame names updates that make up what is missing: those no survivor has seen
// before others, those nobody was promised before others, the newest first.
func (s *sum) blame(short int64) {
	order := slices.Clone(s.adds)
	weight := func(u int32) int {
		n := 0
		if s.covered.has(u) {
			n = 2
		}
		if !s.j.g.h.Updates[u].AckedAt.Never() {
			n++
		}
		return n
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(s.j.g.rank[b], s.j.g.rank[a]))
	})
	for _, u := range order {
		if d := s.delta(u); !s.taken[u] && d > 0 && d <= short {
			short -= d
			s.lose(u)
		}
	}
	if short > 0 {
		g := s.j.g
		g.contradict(g.h.End, history.Miscount, g.keys[s.k].name, logical.Dot{}, fmt.Sprintf("at the end %d is missing that no set of updates makes up", short))
	}
}

func (s *sum) lose(u int32) { s.j.fates[u] = fate{class: Durability} }

// firstExcess is the first reading of a counter above the sum of all that had
// been accepted by then, what it shows, and that sum.
func (j *judge) firstExcess(k int32) (s *history.Reply, shown, most int64) {
	best := map[int32]int64{} // by update: the most one acceptance of it adds
	next := 0
	for i := range j.g.h.Replies {
		s := &j.g.h.Replies[i]
		if s.Key != k || len(s.Values) == 0 {
			continue
		}
		for ; next < len(j.g.ops) && j.g.ops[next].When.Turn < s.When.Turn; next++ {
			o, q := &j.g.ops[next], j.g.request(int32(next))
			if q.KeyIndex != k || q.Verb == script.OpDelete {
				continue
			}
			before := best[o.update]
			best[o.update] = max(before, o.Delta)
			most = less(most, -less(best[o.update], before))
		}
		if n, err := strconv.ParseInt(s.Values[0], 10, 64); err == nil && n > most {
			return s, n, most
		}
	}
	return nil, 0, 0
}
