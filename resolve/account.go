package resolve

import (
	"slices"

	"kvd/logical"
)

// account finds out what one op changed in who is lost under one resolver.
//
// A write is accounted when it survives or is an ancestor, through parents, of a
// survivor; all dots of one request count as one write. Accounted writes are
// closed under ancestors, which keeps both ways short: upwards from a new
// survivor only through what the ledger holds as lost, and downwards from a
// beaten one only until everything left is an ancestor of a survivor too.
type account struct {
	*Folding
	id       ID
	born     bool
	before   []logical.Dot // survivors before the op
	after    []logical.Dot // survivors now
	settled  map[logical.Dot]bool
	verdicts []Verdict
}

// settle judges what is gone, then what came back, then the new op itself: by
// then it is known whether the op's twins are lost.
func (a *account) settle() []Verdict {
	a.beaten()
	for _, d := range a.after {
		if d != a.Op.Dot && !slices.Contains(a.before, d) {
			a.revive(d)
		}
	}
	switch {
	case a.accounted():
		a.revive(a.Op.Parents...)
		a.revive(a.twins(a.Op.Dot)...)
	case !a.lost(a.Op.Dot):
		a.stillborn()
	}
	return a.verdicts
}

// beaten judges the versions that survived until now, and what was accounted
// only through them.
func (a *account) beaten() {
	var gone []logical.Dot
	for _, d := range a.before {
		switch {
		case slices.Contains(a.after, d):
		case a.survives() && slices.Contains(a.Op.Parents, d):
			a.say(d, Superseded, false)
		default:
			gone = append(gone, d)
		}
	}
	if len(gone) == 0 {
		return
	}
	w := newWalk(a.Folding)
	lost := w.onlyBelow(gone, a.after)
	for _, d := range gone {
		if w.has(d, above) {
			a.say(d, Superseded, false)
		}
	}
	for _, n := range lost {
		if !a.lost(n.dot) { // through a twin, what is gone may have seen what was lost before
			a.lose(n.dot, n.inverted())
		}
	}
}

// accounted reports whether the new op survives, or its request is accounted
// under another dot.
func (a *account) accounted() bool {
	return a.survives() || slices.ContainsFunc(a.twins(a.Op.Dot), func(t logical.Dot) bool { return !a.lost(t) })
}

func (a *account) survives() bool { return slices.Contains(a.after, a.Op.Dot) }

// stillborn records an op that did not survive its own folding. Where it was
// accepted, that is the moment to see whether its author had been shown what
// survived it.
func (a *account) stillborn() {
	if a.born && newWalk(a.Folding).sees(a.Op.Parents, a.after) {
		a.Op.Inverted |= a.Bit
	}
	a.lose(a.Op.Dot, a.Op.Inverted)
}

// lose records d as lost, by the relation that its birth decided.
func (a *account) lose(d logical.Dot, inverted Mask) {
	if inverted.Has(a.id) {
		a.say(d, Inverted, false)
		return
	}
	a.say(d, Concurrent, false)
}

// revive withdraws the losses of dots, their twins and their ancestors: a
// survivor saw them. What is not lost has no lost ancestors.
func (a *account) revive(dots ...logical.Dot) {
	for queue := slices.Clone(dots); len(queue) > 0; {
		d := queue[0]
		queue = queue[1:]
		if !a.lost(d) {
			continue
		}
		a.say(d, Superseded, true)
		if op, ok := a.History.Op(d); ok {
			queue = append(queue, op.Parents...)
		}
		queue = append(queue, a.twins(d)...)
	}
}

// lost reports whether d is lost by now.
func (a *account) lost(d logical.Dot) bool {
	if lost, ok := a.settled[d]; ok {
		return lost
	}
	return a.History.Lost(a.id, a.Object.Key, d)
}

func (a *account) say(loser logical.Dot, r Relation, withdrawn bool) {
	v := Verdict{Resolver: a.id, Relation: r, Withdrawn: withdrawn, Loser: loser}
	if len(a.after) > 0 {
		v.Winner = a.after[0]
	}
	a.verdicts = append(a.verdicts, v)
	if withdrawn || r.Lost() {
		if a.settled == nil {
			a.settled = map[logical.Dot]bool{}
		}
		a.settled[loser] = !withdrawn
	}
}
