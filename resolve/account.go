package resolve

import (
	"slices"

	"kvd/logical"
)

// account finds out what one op changed in who is lost under one resolver.
//
// A write is accounted when it survives or is an ancestor, through parents, of a
// survivor; two dots of one request count as one write. Accounted writes are
// closed under ancestors, which keeps both walks short: upwards from a new
// survivor only through what the ledger holds as lost, and downwards from a
// beaten one only until everything left is an ancestor of a survivor too.
type account struct {
	id       ID
	op       *Op
	key      string
	twins    bool
	history  History
	before   []logical.Dot
	after    []logical.Dot
	born     bool
	verdicts []Verdict
}

// settle judges the new op, then what came back, then what is gone.
func (a *account) settle() []Verdict {
	if slices.Contains(a.after, a.op.Dot) || a.twinAccounted() {
		a.reviveAll(a.op.Parents)
		a.reviveTwin(a.op.Dot)
	} else {
		a.stillborn()
	}
	for _, d := range a.after {
		if d != a.op.Dot && !slices.Contains(a.before, d) {
			a.revive(d)
		}
	}
	for _, d := range a.before {
		if !slices.Contains(a.after, d) {
			a.displaced(d)
		}
	}
	return a.verdicts
}

// stillborn records an op that did not survive its own folding. Where it was
// accepted, that is the moment to see whether its author had been shown what
// beat it.
func (a *account) stillborn() {
	if a.born && a.seenByAuthor() {
		a.op.Inverted |= a.id.Mask()
	}
	a.lose(a.op)
}

// seenByAuthor reports whether a survivor is an ancestor of the op.
func (a *account) seenByAuthor() bool {
	for _, d := range a.after {
		if slices.Contains(a.op.Parents, d) {
			return true
		}
	}
	w := a.newWalk()
	for _, p := range a.op.Parents {
		w.mark(p, below)
	}
	for _, d := range a.after {
		w.mark(d, above)
	}
	w.run()
	return slices.ContainsFunc(a.after, func(d logical.Dot) bool { return w.has(d, below) })
}

// displaced judges a version that survived until now.
func (a *account) displaced(d logical.Dot) {
	if slices.Contains(a.after, a.op.Dot) && slices.Contains(a.op.Parents, d) {
		a.say(d, Superseded, false)
		return
	}
	w := a.newWalk()
	for _, s := range a.after {
		w.mark(s, above)
	}
	w.mark(d, below)
	w.run()
	if w.has(d, above) {
		a.say(d, Superseded, false)
	}
	for _, op := range w.lost() {
		if !a.said(op.Dot) && !a.history.Lost(a.id, a.key, op.Dot) {
			a.lose(op)
		}
	}
}

// lose records op as lost, by the relation that its birth decided.
func (a *account) lose(op *Op) {
	if op.Inverted.Has(a.id) {
		a.say(op.Dot, Inverted, false)
		return
	}
	a.say(op.Dot, Concurrent, false)
}

// revive withdraws the loss of d and of its ancestors: a survivor saw them.
func (a *account) revive(d logical.Dot) {
	for queue := []logical.Dot{d}; len(queue) > 0; {
		d, queue = queue[0], queue[1:]
		if a.said(d) || !a.history.Lost(a.id, a.key, d) {
			continue
		}
		a.say(d, Superseded, true)
		if op, ok := a.history.Op(d); ok {
			queue = append(queue, op.Parents...)
		}
		if t, ok := a.twin(d); ok {
			queue = append(queue, t)
		}
	}
}

func (a *account) reviveAll(dots []logical.Dot) {
	for _, d := range dots {
		a.revive(d)
		a.reviveTwin(d)
	}
}

func (a *account) reviveTwin(d logical.Dot) {
	if t, ok := a.twin(d); ok {
		a.revive(t)
	}
}

// twinAccounted reports whether the op's request is accounted under its other
// dot.
func (a *account) twinAccounted() bool {
	t, ok := a.twin(a.op.Dot)
	return ok && !a.history.Lost(a.id, a.key, t)
}

func (a *account) twin(d logical.Dot) (logical.Dot, bool) {
	if !a.twins {
		return logical.Dot{}, false
	}
	return a.history.Twin(d)
}

// said reports whether this settling already lost d or took its loss back.
func (a *account) said(d logical.Dot) bool {
	return slices.ContainsFunc(a.verdicts, func(v Verdict) bool {
		return (v.Withdrawn || v.Relation.Lost()) && v.Resolver == a.id && v.Loser == d
	})
}

func (a *account) say(loser logical.Dot, r Relation, withdrawn bool) {
	v := Verdict{Resolver: a.id, Relation: r, Withdrawn: withdrawn, Loser: loser}
	if len(a.after) > 0 {
		v.Winner = a.after[0]
	}
	a.verdicts = append(a.verdicts, v)
}
