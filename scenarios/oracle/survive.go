package oracle

import (
	"slices"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

type judge struct {
	g        *graph
	reach    *reach
	ops      *reach             // the same of ops
	applied  [][]history.Moment // by leader index, then update: the first time
	had      [][]int32          // by leader index, then op: the turn of the first time; zero: never
	holds    [][]bool           // by leader index, then op: applied since the leader last lost a disk
	held     []bool             // by op: some leader holds it
	halfLost []bool             // by key index: some request has lost one dot with its disks, and not another
	leaders  []string           // those asked at the end, by name
	fates    []fate             // by update, acknowledged or not
	keys     []outcome          // by key index
	covered  *marks             // of the counter at hand: survivors and their pasts
	above    *marks             // ops of the key at hand: what has seen a survivor
	buf      []int32
	texts    []text    // by op: what it leaves in a register
	counted  *counted  // nil: nobody has asked
	counts   []*counts // by key index: what counters come to; nil: nobody has asked
}

type fate struct {
	accounted bool
	class     Class // when not accounted
	by        int32 // a survivor, or -1
}

// beaten reports whether a ledger can know of the loss.
func (f fate) beaten() bool { return !f.accounted && (f.class == Inverted || f.class == Concurrent) }

type outcome struct {
	survivors   []int32 // shown at the end by some leader, by dot
	shown       []int32 // the ops that are shown
	converged   bool
	siblings    int
	overcounted int
}

func newJudge(h *history.History, serve func(key string) string) *judge {
	j := &judge{g: newGraph(h, serve), leaders: h.FinalLeaders()}
	j.reach, j.ops = &reach{g: j.g, parents: j.g.up, rank: j.g.rank, circle: j.g.circle}, newOpReach(j.g)
	j.covered, j.above = newMarks(len(h.Updates)), newMarks(len(j.g.ops))
	j.fates = make([]fate, len(h.Updates))
	j.keys, j.counts = make([]outcome, len(h.Keys.List)), make([]*counts, len(h.Keys.List))
	j.readApplied(h)
	j.halfLost = j.findHalfLost(h)
	for k := range j.keys {
		j.judgeKey(int32(k))
	}
	j.checkValues()
	return j
}

// readApplied finds when each leader first had each update under any dot, and each op,
// and what it holds.
func (j *judge) readApplied(h *history.History) {
	leaders := len(h.Leaders.List)
	j.applied, j.had, j.holds = make([][]history.Moment, leaders), make([][]int32, leaders), make([][]bool, leaders)
	j.held = make([]bool, len(j.g.ops))
	lost := make([]int32, leaders) // the turn of each leader's last setback
	for _, s := range h.DiskLosses {
		lost[s.Leader] = s.When.Turn
	}
	for _, a := range h.Applications {
		i, ok := j.g.named[a.Dot]
		if !ok {
			continue
		}
		if j.applied[a.Leader] == nil {
			j.applied[a.Leader], j.had[a.Leader] = make([]history.Moment, len(h.Updates)), make([]int32, len(j.g.ops))
			j.holds[a.Leader] = make([]bool, len(j.g.ops))
		}
		if row := j.applied[a.Leader]; row[j.g.ops[i].update].Never() {
			row[j.g.ops[i].update] = a.When
		}
		if row := j.had[a.Leader]; row[i] == 0 {
			row[i] = a.When.Turn
		}
		if a.When.Turn > lost[a.Leader] {
			j.holds[a.Leader][i], j.held[i] = true, true
		}
	}
}

// findHalfLost finds the keys with a request that was accepted several times, of which
// one acceptance went with the disks of all leaders that had it. No leader knows any
// more what was seen of the request under that dot.
func (j *judge) findHalfLost(h *history.History) []bool {
	halfLost := make([]bool, len(h.Keys.List))
	for u, q := range h.Updates {
		lost := slices.ContainsFunc(j.g.opsOf[u], j.lacked)
		halfLost[q.KeyIndex] = halfLost[q.KeyIndex] || len(q.Acceptances) > 1 && lost
	}
	return halfLost
}

// lacked reports whether the op is gone with the disks of all leaders that had it.
func (j *judge) lacked(i int32) bool {
	return j.g.h.AppliedKnown && len(j.g.h.DiskLosses) > 0 && !j.held[i]
}

// unsure reports whether the leader lost a disk between two turns: what it had
// applied by the first it may lack at the second.
func (j *judge) unsure(leader, from, to int32) bool {
	return slices.ContainsFunc(j.g.h.DiskLosses, func(s history.DiskLoss) bool {
		return s.Leader == leader && from < s.When.Turn && s.When.Turn < to
	})
}

// perished reports whether u is gone with the disks of all leaders that had it.
func (j *judge) perished(u int32) bool {
	return !slices.ContainsFunc(j.g.opsOf[u], func(i int32) bool { return !j.lacked(i) })
}

func (j *judge) judgeKey(k int32) {
	key := &j.g.keys[k]
	j.gatherFinals(k)
	rule := j.g.serve(key.name)
	switch {
	case rule.counter:
		j.count(k)
	case rule.keeps:
		j.accountFor(j.keys[k].survivors)
		j.accountDeletes(k)
	default:
		j.accountFor(j.keys[k].survivors)
	}
	j.classify(k, rule)
}

// gatherFinals gathers what the leaders show of a key at the end. Where they differ, a
// write survives if any of them shows it.
func (j *judge) gatherFinals(k int32) {
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
			j.g.resolve(d, k, history.Moment{Turn: j.g.h.Turns, At: j.g.h.End}, "at the end "+leader+" shows")
		}
	}
	slices.SortFunc(dots, logical.Dot.Compare)
	o.survivors, o.shown = j.g.show(nil, k, dots), j.g.opsNamed(nil, k, dots)
}

func (j *judge) final(leader string, k int32) history.Reading {
	return j.g.h.Finals[history.LeaderKey{Leader: leader, Key: j.g.keys[k].name}]
}

func sameReading(a, b history.Reading) bool {
	return slices.Equal(slices.SortedFunc(slices.Values(a.Dots), logical.Dot.Compare), slices.SortedFunc(slices.Values(b.Dots), logical.Dot.Compare)) &&
		slices.Equal(slices.Sorted(slices.Values(a.Values)), slices.Sorted(slices.Values(b.Values)))
}

func (j *judge) accountFor(from []int32) {
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

// accountDeletes judges deletes that leave nothing behind. One is accounted for, and its
// past with it, unless something of its past survives.
func (j *judge) accountDeletes(k int32) {
	undone := j.undoneAnywhere(k)
	for _, d := range j.g.keys[k].deletes {
		if !undone[d] {
			j.accountFor([]int32{d})
		}
	}
	for d := range undone {
		j.fates[d].accounted = false
	}
}

// undone is the deletes of which something that they had seen survives. Of a request
// that was accepted several times, only what the delete had seen says so; of such a
// delete, only what is not gone with its disks.
func (j *judge) undone(k int32, shown []int32) map[int32]bool {
	key := &j.g.keys[k]
	undone := map[int32]bool{}
	if len(key.deletes) == 0 || len(shown) == 0 {
		return undone
	}
	j.above.reset() // ops that are shown, or have seen one that is
	for _, i := range shown {
		j.above.add(i)
	}
	for _, i := range j.g.opsOn(key) {
		o := &j.g.ops[i]
		if !slices.ContainsFunc(o.over, j.above.has) {
			continue
		}
		j.above.add(i)
		if j.g.h.Updates[o.update].Verb == script.OpDelete && (!j.lacked(i) || j.perished(o.update)) {
			undone[o.update] = true
		}
	}
	return undone
}

// gone reports whether leaders that agree on the key include one that does not
// have the update, so that it cannot have been beaten there: it is missing.
func (j *judge) gone(u int32) bool {
	q := j.g.h.Updates[u]
	if !j.g.h.AppliedKnown || !j.keys[q.KeyIndex].converged {
		return false
	}
	return slices.ContainsFunc(j.leaders, func(leader string) bool {
		i, met := j.g.h.Leaders.Index[leader]
		return met && j.holds[i] != nil && !j.has(leader, u)
	})
}
