package resolve

import "kvd/logical"

// account finds out what one op changed in who is lost under the resolvers of one
// camp.
//
// A write is accounted when it survives or is an ancestor, through parents, of a
// survivor; all dots of one request count as one write. Accounted writes are
// closed under ancestors, which keeps both ways short: upwards from a new
// survivor only through what the ledger holds as lost, and downwards from a
// beaten one only until everything left is an ancestor of a survivor too.
type judge struct {
	*Folding
	*group
	walk      *walk
	changes   *ledgerChanges
	accepting bool
	verdicts  []Verdict

	shownBefore, shownAfter dotSet // survivors before the op, and now
	survives                bool   // the op does
}

// settle judges what is gone, then what came back, then the new op itself: by
// then it is known whether the op's duplicates are lost.
func (a *judge) run() {
	a.changes.noted = len(a.verdicts)
	a.shownBefore, a.shownAfter = setOf(a.before), setOf(a.after)
	a.survives = a.shownAfter.has(a.Op.Dot)
	a.judgeDisplaced()
	for _, d := range a.after {
		if d != a.Op.Dot && !a.shownBefore.has(d) {
			a.retract(a.ids, d)
		}
	}
	here := a.accounted()
	a.retract(here, a.Op.Parents...)
	a.retract(here, a.duplicates(a.Op.Dot)...)
	if rest := a.ids &^ here; rest != 0 {
		a.judgeNew(rest &^ a.lost(a.Op.Dot))
	}
}

// beaten judges the versions that survived until now, and what was accounted
// only through them.
func (a *judge) judgeDisplaced() {
	var room [8]logical.Dot
	gone, over := room[:0], setOf(a.Op.Parents)
	for _, d := range a.before {
		switch {
		case a.shownAfter.has(d):
		case a.survives && over.has(d):
			a.emit(a.ids, d, Superseded, false)
		default:
			gone = append(gone, d)
		}
	}
	if len(gone) == 0 {
		return
	}
	a.walk.begin(a.Folding)
	lost := a.walk.onlyBelow(gone, a.after)
	for _, d := range gone {
		if a.walk.isAbove(d) {
			a.emit(a.ids, d, Superseded, false)
		}
	}
	for _, i := range lost {
		n := &a.walk.nodes[i] // through a duplicate, what is gone may have seen what was lost before
		a.lose(a.ids&^a.History.Lost(a.Object.Key, n.dot), n.dot, a.walk.inverted(i))
	}
}

// accounted is the resolvers under which the new op survives, or its request is
// accounted under another dot.
func (a *judge) accounted() Mask {
	if a.survives {
		return a.ids
	}
	var here Mask
	for _, t := range a.duplicates(a.Op.Dot) {
		here |= a.ids &^ a.lost(t)
	}
	return here
}

// stillborn records an op that did not survive its own folding. Where it was
// accepted, that is the moment to see whether its author had been shown what
// survived it.
func (a *judge) judgeNew(ids Mask) {
	inverted, here := a.Op.Inverted, ids
	if !a.accepting {
		here = a.Op.unjudged(ids)
	}
	if here != 0 {
		a.walk.begin(a.Folding)
		if a.walk.sees(a.Op.Parents, a.after) {
			inverted |= here
		}
	}
	if a.accepting {
		a.Op.Inverted = inverted
	}
	a.lose(ids, a.Op.Dot, inverted)
}

// lose records d as lost, by the relation that its birth decided.
func (a *judge) lose(ids Mask, d logical.Dot, inverted Mask) {
	a.emit(ids&inverted, d, Inverted, false)
	a.emit(ids&^inverted, d, Concurrent, false)
}

// revive retracts the losses of dots, their duplicates and their ancestors: a
// survivor saw them. What is not lost has no lost ancestors.
func (a *judge) retract(ids Mask, dots ...logical.Dot) {
	if ids == 0 {
		return
	}
	var room [8]retraction
	queue := append(room[:0], retraction{ids, dots})
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		for _, d := range w.dots {
			ids := w.ids & a.lost(d)
			if ids == 0 {
				continue
			}
			a.emit(ids, d, Superseded, true)
			if op, ok := a.History.Op(d); ok {
				queue = append(queue, retraction{ids, op.Parents})
			}
			queue = append(queue, retraction{ids, a.duplicates(d)})
		}
	}
}

// revived is dots that are lost no more under some resolvers, if they were.
type retraction struct {
	ids  Mask
	dots []logical.Dot
}

// lost is the resolvers under which d is lost by now.
func (a *judge) lost(d logical.Dot) Mask {
	for ; a.changes.noted < len(a.verdicts); a.changes.noted++ {
		a.changes.note(&a.verdicts[a.changes.noted])
	}
	return a.changes.apply(d, a.History.Lost(a.Object.Key, d))
}

func (a *judge) emit(ids Mask, loser logical.Dot, r Relation, retracted bool) {
	if ids == 0 {
		return
	}
	winner := a.after[0] // a rule that can lose a write always shows one
	a.verdicts = append(a.verdicts, Verdict{Resolvers: ids, Relation: r, Retracted: retracted, Loser: loser, Winner: winner})
}

// settled is what the verdicts of one account changed in the ledger. It is only
// asked where a write comes back, so verdicts are noted when that is asked.
type ledgerChanges struct {
	noted int // verdicts that are noted, and those that were there before
	dotIndex
	changes []change
}

// change is who decided on a write, and who of them lost it last.
type change struct{ decided, lost Mask }

func (s *ledgerChanges) note(v *Verdict) {
	if !v.Retracted && !v.Relation.Lost() {
		return
	}
	i, ok := s.find(v.Loser)
	if !ok {
		i, s.changes = s.add(v.Loser), append(s.changes, change{})
	}
	c := &s.changes[i]
	c.decided |= v.Resolvers
	if c.lost &^= v.Resolvers; !v.Retracted {
		c.lost |= v.Resolvers
	}
}

// over is the ledger's answer for d with the changes laid over it.
func (s *ledgerChanges) apply(d logical.Dot, ledger Mask) Mask {
	if i, ok := s.find(d); ok {
		return ledger&^s.changes[i].decided | s.changes[i].lost
	}
	return ledger
}

func (s *ledgerChanges) release() {
	s.dotIndex.release()
	s.changes = reuse(s.changes)
}
