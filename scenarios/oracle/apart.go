package oracle

import "slices"

// Where leaders have not heard of each other, each is judged by what it had applied. An
// update is accounted for if one of them shows it, or shows a sum that it is part of.
// That another leader lacks it is no loss.

func (j *judge) has(leader string, u int32) bool {
	return slices.ContainsFunc(j.g.opsOf[u], func(i int32) bool { return j.holdsOp(leader, i) })
}

func (j *judge) holdsOp(leader string, i int32) bool {
	l, met := j.g.h.Leaders.Index[leader]
	return met && j.holds[l] != nil && j.holds[l][i]
}

// shows is the ops that a leader shows of a key at the end.
func (j *judge) shows(leader string, k int32) []int32 {
	return j.g.opsNamed(nil, k, j.final(leader, k).Dots)
}

// undoneAnywhere is the deletes of which something that they had seen survives. Where
// leaders differ, a delete is undone unless some leader has it and shows nothing of its
// past.
func (j *judge) undoneAnywhere(k int32) map[int32]bool {
	if j.keys[k].converged || !j.g.h.AppliedKnown {
		return j.undone(k, j.keys[k].shown)
	}
	kept := map[int32]bool{}
	for _, leader := range j.leaders {
		undone := j.undone(k, j.shows(leader, k))
		for _, d := range j.g.keys[k].deletes {
			kept[d] = kept[d] || j.has(leader, d) && !undone[d]
		}
	}
	undone := map[int32]bool{}
	for _, d := range j.g.keys[k].deletes {
		if !kept[d] {
			undone[d] = true
		}
	}
	return undone
}

// countApart accounts for a counter's updates where leaders differ: an update is
// accounted when some leader has it and what that leader shows adds up with it.
func (s *sum) countApart() {
	j, key := s.j, &s.j.g.keys[s.k]
	adds, there, undone, overcounted := s.adds, map[int32]bool{}, map[int32]bool{}, 0
	for _, leader := range j.leaders {
		s.adds, s.lost = nil, map[int32]bool{}
		for _, u := range key.updates {
			j.fates[u] = fate{accounted: true}
		}
		for _, u := range adds {
			if j.has(leader, u) {
				s.adds = append(s.adds, u)
			}
		}
		s.judgeAt(leader)
		for _, u := range key.updates {
			switch {
			case !j.has(leader, u):
			case s.lost[u]:
				undone[u] = true
			case j.fates[u].accounted:
				there[u] = true
			}
		}
		overcounted = max(overcounted, j.keys[s.k].overcounted)
	}
	j.keys[s.k].overcounted = overcounted
	for _, u := range key.updates {
		switch {
		case there[u]:
			j.fates[u] = fate{accounted: true}
		case undone[u]:
			j.fates[u] = fate{class: Resurrected}
		default:
			s.lose(u)
		}
	}
}

// judgeAt compares what a leader shows with the sum of what it has.
func (s *sum) judgeAt(leader string) {
	shown := s.j.shows(leader, s.k)
	s.there = func(i int32) bool { return s.j.holdsOp(leader, i) }
	s.covered.reset()
	s.covered.close(s.j.g, s.j.g.updatesOf(shown))
	s.value = s.number(leader)
	s.undoneDeletes(shown)
	s.explain(less(s.value, s.expect()))
}
