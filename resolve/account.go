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
type account struct {
	*Folding
	*camp
	walk     *walk
	settled  *settled
	born     bool
	verdicts []Verdict

	was, left dotSet // survivors before the op, and now
	survives  bool   // the op does
}

// settle judges what is gone, then what came back, then the new op itself: by
// then it is known whether the op's duplicates are lost.
func (a *account) settle() {
	a.settled.said = len(a.verdicts)
	a.was, a.left = setOf(a.before), setOf(a.after)
	a.survives = a.left.has(a.Op.Dot)
	a.beaten()
	for _, d := range a.after {
		if d != a.Op.Dot && !a.was.has(d) {
			a.revive(a.ids, d)
		}
	}
	here := a.accounted()
	a.revive(here, a.Op.Parents...)
	a.revive(here, a.duplicates(a.Op.Dot)...)
	if rest := a.ids &^ here; rest != 0 {
		a.stillborn(rest &^ a.lost(a.Op.Dot))
	}
}

// beaten judges the versions that survived until now, and what was accounted
// only through them.
func (a *account) beaten() {
	var room [8]logical.Dot
	gone, over := room[:0], setOf(a.Op.Parents)
	for _, d := range a.before {
		switch {
		case a.left.has(d):
		case a.survives && over.has(d):
			a.say(a.ids, d, Superseded, false)
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
			a.say(a.ids, d, Superseded, false)
		}
	}
	for _, i := range lost {
		n := &a.walk.nodes[i] // through a duplicate, what is gone may have seen what was lost before
		a.lose(a.ids&^a.History.Lost(a.Object.Key, n.dot), n.dot, a.walk.inverted(i))
	}
}

// accounted is the resolvers under which the new op survives, or its request is
// accounted under another dot.
func (a *account) accounted() Mask {
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
func (a *account) stillborn(ids Mask) {
	inverted, here := a.Op.Inverted, ids
	if !a.born {
		here = a.Op.unjudged(ids)
	}
	if here != 0 {
		a.walk.begin(a.Folding)
		if a.walk.sees(a.Op.Parents, a.after) {
			inverted |= here
		}
	}
	if a.born {
		a.Op.Inverted = inverted
	}
	a.lose(ids, a.Op.Dot, inverted)
}

// lose records d as lost, by the relation that its birth decided.
func (a *account) lose(ids Mask, d logical.Dot, inverted Mask) {
	a.say(ids&inverted, d, Inverted, false)
	a.say(ids&^inverted, d, Concurrent, false)
}

// revive retracts the losses of dots, their duplicates and their ancestors: a
// survivor saw them. What is not lost has no lost ancestors.
func (a *account) revive(ids Mask, dots ...logical.Dot) {
	if ids == 0 {
		return
	}
	var room [8]revived
	queue := append(room[:0], revived{ids, dots})
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		for _, d := range w.dots {
			ids := w.ids & a.lost(d)
			if ids == 0 {
				continue
			}
			a.say(ids, d, Superseded, true)
			if op, ok := a.History.Op(d); ok {
				queue = append(queue, revived{ids, op.Parents})
			}
			queue = append(queue, revived{ids, a.duplicates(d)})
		}
	}
}

// revived is dots that are lost no more under some resolvers, if they were.
type revived struct {
	ids  Mask
	dots []logical.Dot
}

// lost is the resolvers under which d is lost by now.
func (a *account) lost(d logical.Dot) Mask {
	for ; a.settled.said < len(a.verdicts); a.settled.said++ {
		a.settled.note(&a.verdicts[a.settled.said])
	}
	return a.settled.over(d, a.History.Lost(a.Object.Key, d))
}

func (a *account) say(ids Mask, loser logical.Dot, r Relation, retracted bool) {
	if ids == 0 {
		return
	}
	winner := a.after[0] // a rule that can lose a write always shows one
	a.verdicts = append(a.verdicts, Verdict{Resolvers: ids, Relation: r, Retracted: retracted, Loser: loser, Winner: winner})
}

// settled is what the verdicts of one account changed in the ledger. It is only
// asked where a write comes back, so verdicts are noted when that is asked.
type settled struct {
	said int // verdicts that are noted, and those that were there before
	places
	now []change
}

// change is who decided on a write, and who of them lost it last.
type change struct{ decided, lost Mask }

func (s *settled) note(v *Verdict) {
	if !v.Retracted && !v.Relation.Lost() {
		return
	}
	i, ok := s.find(v.Loser)
	if !ok {
		i, s.now = s.add(v.Loser), append(s.now, change{})
	}
	c := &s.now[i]
	c.decided |= v.Resolvers
	if c.lost &^= v.Resolvers; !v.Retracted {
		c.lost |= v.Resolvers
	}
}

// over is the ledger's answer for d with the changes laid over it.
func (s *settled) over(d logical.Dot, ledger Mask) Mask {
	if i, ok := s.find(d); ok {
		return ledger&^s.now[i].decided | s.now[i].lost
	}
	return ledger
}

func (s *settled) rest() {
	s.places.rest()
	s.now = spare(s.now)
}
