package oracle

import (
	"maps"
	"slices"

	"kvd/logical"
)

// judge is one judging of a history.
type judge struct {
	g       *graph
	reach   *reach
	applied [][]moment // by leader index, then update: the first time
	holds   [][]bool   // by leader index, then update: applied since the leader last lost a disk
	torn    []bool     // by key index: some request has lost one dot with its disks, and not another
	leaders []string   // those asked at the end, by name
	fates   []fate     // by update, acknowledged or not
	keys    []outcome  // by key index
	covered *marks     // of the counter at hand: survivors and their pasts
	taken   *marks     // of the counter at hand: what deletes took away
}

// fate is what became of an update.
type fate struct {
	accounted bool
	class     Class // when not accounted
	by        int32 // a survivor, or -1
}

// beaten reports whether a ledger can know of the loss.
func (f fate) beaten() bool { return !f.accounted && (f.class == Inverted || f.class == Concurrent) }

// outcome is what became of a key.
type outcome struct {
	survivors   []int32 // shown at the end by some leader, by dot
	converged   bool
	siblings    int
	overcounted int
}

func newJudge(h *History, serve func(key string) string) *judge {
	j := &judge{g: newGraph(h, serve), leaders: slices.Sorted(maps.Keys(h.finalists))}
	j.reach, j.covered, j.taken = newReach(j.g), newMarks(j.g), newMarks(j.g)
	j.fates = make([]fate, len(h.updates))
	j.keys = make([]outcome, len(h.keys.list))
	j.readApplied(h)
	j.torn = j.tear(h)
	for k := range j.keys {
		j.judgeKey(int32(k))
	}
	return j
}

// readApplied finds when each leader first had each update under any dot.
func (j *judge) readApplied(h *History) {
	j.applied, j.holds = make([][]moment, len(h.leaders.list)), make([][]bool, len(h.leaders.list))
	lost := make([]int32, len(h.leaders.list)) // the turn of each leader's last setback
	for _, s := range h.losses {
		lost[s.leader] = s.when.turn
	}
	for _, a := range h.applied {
		u, ok := h.dots[a.dot]
		if !ok {
			continue
		}
		if j.applied[a.leader] == nil {
			j.applied[a.leader], j.holds[a.leader] = make([]moment, len(h.updates)), make([]bool, len(h.updates))
		}
		if row := j.applied[a.leader]; row[u].never() {
			row[u] = a.when
		}
		j.holds[a.leader][u] = j.holds[a.leader][u] || a.when.turn > lost[a.leader]
	}
}

// tear finds the keys with a request that was accepted several times, and one of
// these acceptances went with the disks of all that had it. What was seen of the
// request under that dot no leader knows any more.
func (j *judge) tear(h *History) []bool {
	torn := make([]bool, len(h.keys.list))
	if !h.known || len(h.losses) == 0 {
		return torn
	}
	held := map[logical.Dot]bool{}
	for _, a := range h.applied {
		held[a.dot] = held[a.dot] || !j.unsure(a.leader, a.when.turn, h.turn+1)
	}
	for _, q := range h.updates {
		lost := slices.ContainsFunc(q.acceptances, func(a acceptance) bool { return !held[a.Dot] })
		torn[q.key] = torn[q.key] || len(q.acceptances) > 1 && lost
	}
	return torn
}

// unsure reports whether the leader lost a disk between two turns: what it had
// applied by the first it may lack at the second.
func (j *judge) unsure(leader, from, to int32) bool {
	return slices.ContainsFunc(j.g.h.losses, func(s setback) bool {
		return s.leader == leader && from < s.when.turn && s.when.turn < to
	})
}

// perished reports whether u is gone with the disks of all leaders that had it.
func (j *judge) perished(u int32) bool {
	return j.g.h.known && len(j.g.h.losses) > 0 &&
		!slices.ContainsFunc(j.holds, func(row []bool) bool { return row != nil && row[u] })
}

func (j *judge) judgeKey(k int32) {
	key := &j.g.keys[k]
	j.settle(k)
	rule := j.g.serve(key.name)
	switch {
	case rule.counter:
		j.count(k)
	case rule.keeps:
		j.vouch(j.keys[k].survivors)
		j.accountDeletes(k)
	default:
		j.vouch(j.keys[k].survivors)
	}
	j.classify(k, rule)
}

// settle gathers what the leaders show of a key at the end. Where they differ, a
// write survives if any of them shows it.
func (j *judge) settle(k int32) {
	o := &j.keys[k]
	o.converged = true
	var dots []logical.Dot
	for i, leader := range j.leaders {
		r := j.final(leader, k)
		o.siblings = max(o.siblings, len(r.Values))
		dots = append(dots, r.Dots...)
		if i > 0 && !sameReading(r, j.final(j.leaders[0], k)) {
			o.converged = false
		}
		for _, d := range r.Dots {
			j.g.resolve(d, k, moment{j.g.h.turn, j.g.h.last}, "at the end "+leader+" shows")
		}
	}
	slices.SortFunc(dots, logical.Dot.Compare)
	o.survivors = j.g.show(nil, k, dots)
}

// final is what the leader shows of a key at the end.
func (j *judge) final(leader string, k int32) Reading {
	return j.g.h.finals[place{leader, j.g.keys[k].name}]
}

// sameReading compares as sets.
func sameReading(a, b Reading) bool {
	return slices.Equal(slices.SortedFunc(slices.Values(a.Dots), logical.Dot.Compare), slices.SortedFunc(slices.Values(b.Dots), logical.Dot.Compare)) &&
		slices.Equal(slices.Sorted(slices.Values(a.Values)), slices.Sorted(slices.Values(b.Values)))
}

// vouch accounts for the updates and their pasts.
func (j *judge) vouch(from []int32) {
	stack := slices.Clone(from)
	for len(stack) > 0 {
		u := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !j.fates[u].accounted {
			j.fates[u].accounted = true
			stack = append(stack, j.g.parents[u]...)
		}
	}
}

// accountDeletes judges deletes that leave nothing behind: one is accounted, and
// vouches for its past, unless something of its past survives.
func (j *judge) accountDeletes(k int32) {
	undone := j.undone(k)
	for _, d := range j.g.keys[k].deletes {
		if !undone[d] {
			j.vouch([]int32{d})
		}
	}
	for d := range undone {
		j.fates[d].accounted = false
	}
}

// undone is the deletes that have a survivor in their past, other than a retried
// one: that may survive under the dot which the delete had not seen.
func (j *judge) undone(k int32) map[int32]bool {
	key, o := &j.g.keys[k], &j.keys[k]
	undone := map[int32]bool{}
	if len(key.deletes) == 0 || len(o.survivors) == 0 {
		return undone
	}
	above := map[int32]bool{} // has a survivor in its past; parents come first
	for _, u := range key.updates {
		for _, p := range j.g.parents[u] {
			if above[p] || slices.Contains(o.survivors, p) && !j.g.retried(p) {
				above[u] = true
				break
			}
		}
	}
	for _, d := range key.deletes {
		if above[d] {
			undone[d] = true
		}
	}
	return undone
}

// gone reports whether leaders that agree on the key include one that does not
// have the update, so that it cannot have been beaten there: it is missing.
func (j *judge) gone(u int32) bool {
	q := j.g.h.updates[u]
	if !j.g.h.known || !j.keys[q.key].converged {
		return false
	}
	return slices.ContainsFunc(j.leaders, func(leader string) bool {
		i, met := j.g.h.leaders.index[leader]
		return met && j.holds[i] != nil && !j.holds[i][u]
	})
}
