package resolve

import (
	"kvd/logical"
	"kvd/resolve/internal/dotset"
)

// judge finds out what one op changed in who is lost under the resolvers of one
// group.
//
// A write is accounted when it survives or is an ancestor, through parents, of a
// survivor; all dots of one request count as one write. The ancestors of an accounted
// write are accounted too, which keeps both searches short: from a new survivor the
// search goes to parents only through what the ledger holds as lost, and from a
// displaced version only until everything left is an ancestor of a survivor.
type judge struct {
	*Folding
	*group
	walk      *walk
	changes   *ledgerChanges
	accepting bool // the fold is at the leader that accepts the op
	verdicts  []Verdict

	shownBefore, shownAfter dotset.Set // the group's before and after
	survives                bool       // the op is in after
}

// run judges what was displaced, then what survives again, then the new op itself: by
// then it is known whether the op's duplicates are lost.
func (j *judge) run() {
	j.changes.noted = len(j.verdicts)
	j.shownBefore, j.shownAfter = dotset.Of(j.before), dotset.Of(j.after)
	j.survives = j.shownAfter.Has(j.Op.Dot)
	j.judgeDisplaced()
	for _, d := range j.after {
		if d != j.Op.Dot && !j.shownBefore.Has(d) {
			j.retract(j.ids, d)
		}
	}
	accounted := j.accounted()
	j.retract(accounted, j.Op.Parents...)
	j.retract(accounted, j.duplicates(j.Op.Dot)...)
	if rest := j.ids &^ accounted; rest != 0 {
		j.judgeNew(rest &^ j.lost(j.Op.Dot))
	}
}

// judgeDisplaced judges the versions that survived until now, and what was accounted
// only through them.
func (j *judge) judgeDisplaced() {
	var buf [8]logical.Dot
	gone, parents := buf[:0], dotset.Of(j.Op.Parents)
	for _, d := range j.before {
		switch {
		case j.shownAfter.Has(d):
		case j.survives && parents.Has(d):
			j.emit(j.ids, d, Superseded, false)
		default:
			gone = append(gone, d)
		}
	}
	if len(gone) == 0 {
		return
	}
	j.walk.begin(j.Folding)
	lost := j.walk.onlyBelow(gone, j.after)
	for _, d := range gone {
		if j.walk.isAbove(d) {
			j.emit(j.ids, d, Superseded, false)
		}
	}
	for _, i := range lost {
		n := &j.walk.nodes[i] // a displaced version may have seen, through a duplicate, what was lost before
		j.lose(j.ids&^j.History.Lost(j.Object.Key, n.dot), n.dot, j.walk.inverted(i))
	}
}

// accounted is the resolvers under which the new op survives, or its request is
// accounted under another dot.
func (j *judge) accounted() Mask {
	if j.survives {
		return j.ids
	}
	var ids Mask
	for _, d := range j.duplicates(j.Op.Dot) {
		ids |= j.ids &^ j.lost(d)
	}
	return ids
}

// judgeNew records an op that did not survive its own fold. It is inverted where a
// version survives that its author had been shown (Kleppmann, DDIA, figure 8-3). The
// leader that accepts the op decides that for the resolvers that judge there; for the
// others it is decided here.
func (j *judge) judgeNew(ids Mask) {
	inverted, undecided := j.Op.Inverted, ids
	if !j.accepting {
		undecided = j.Op.unjudged(ids)
	}
	if undecided != 0 {
		j.walk.begin(j.Folding)
		if j.walk.sees(j.Op.Parents, j.after) {
			inverted |= undecided
		}
	}
	if j.accepting {
		j.Op.Inverted = inverted
	}
	j.lose(ids, j.Op.Dot, inverted)
}

// lose records d as lost: inverted under the resolvers for which its acceptance said so,
// concurrent under the others.
func (j *judge) lose(ids Mask, d logical.Dot, inverted Mask) {
	j.emit(ids&inverted, d, Inverted, false)
	j.emit(ids&^inverted, d, Concurrent, false)
}

// retract takes back the losses of dots, their duplicates and their ancestors, because
// the author of a survivor had seen them. A write that is not lost has no lost ancestors,
// so the search ends there.
func (j *judge) retract(ids Mask, dots ...logical.Dot) {
	if ids == 0 {
		return
	}
	var buf [8]retraction
	queue := append(buf[:0], retraction{ids, dots})
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		for _, d := range r.dots {
			ids := r.ids & j.lost(d)
			if ids == 0 {
				continue
			}
			j.emit(ids, d, Superseded, true)
			if op, ok := j.History.Op(d); ok {
				queue = append(queue, retraction{ids, op.Parents})
			}
			queue = append(queue, retraction{ids, j.duplicates(d)})
		}
	}
}

// retraction is dots whose losses are retracted under some resolvers, if they are lost.
type retraction struct {
	ids  Mask
	dots []logical.Dot
}

// lost is the resolvers under which d is lost, by the ledger and the verdicts so far.
func (j *judge) lost(d logical.Dot) Mask {
	for ; j.changes.noted < len(j.verdicts); j.changes.noted++ {
		j.changes.note(&j.verdicts[j.changes.noted])
	}
	return j.changes.apply(d, j.History.Lost(j.Object.Key, d))
}

func (j *judge) emit(ids Mask, loser logical.Dot, r Relation, retracted bool) {
	if ids == 0 {
		return
	}
	winner := j.after[0] // a rule that can lose a write always shows one
	j.verdicts = append(j.verdicts, Verdict{Resolvers: ids, Relation: r, Retracted: retracted, Loser: loser, Winner: winner})
}

// ledgerChanges is what the verdicts of one judge change in the ledger. Few folds ask
// for it, so verdicts are noted only when one does.
type ledgerChanges struct {
	noted int // how many verdicts are noted, those of earlier judges included
	dotset.Index
	changes []change // by the index of the loser
}

// change is who decided on a write, and who of them lost it last.
type change struct{ decided, lost Mask }

func (s *ledgerChanges) note(v *Verdict) {
	if !v.Retracted && !v.Relation.Lost() {
		return
	}
	i, ok := s.Find(v.Loser)
	if !ok {
		i, s.changes = s.Add(v.Loser), append(s.changes, change{})
	}
	c := &s.changes[i]
	c.decided |= v.Resolvers
	if c.lost &^= v.Resolvers; !v.Retracted {
		c.lost |= v.Resolvers
	}
}

// apply is the ledger's answer for d with the changes applied.
func (s *ledgerChanges) apply(d logical.Dot, ledger Mask) Mask {
	if i, ok := s.Find(d); ok {
		return ledger&^s.changes[i].decided | s.changes[i].lost
	}
	return ledger
}

func (s *ledgerChanges) release() {
	s.Index.Release()
	s.changes = dotset.Reuse(s.changes)
}
