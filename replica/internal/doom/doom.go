// Package doom decides what becomes of a write that would lose where it is accepted.
//
// The op is stamped and not yet folded; whoever asks takes the stamp back when the write is
// refused. Whether it would lose is found by folding it into a copy, under the resolver that
// serves the key alone: whatever rule that has.
package doom

import (
	"fmt"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/doomed"
)

// Decide lifts the op above what beats it, or says why it is refused, as its key's policy
// has it. By is a version that beats it, or that it was lifted above; zero: none does.
func Decide(panel resolve.Panel, object *resolve.Object, op *resolve.Op, h resolve.History, fate doomed.Fate) (by logical.Dot, refused error) {
	if fate == doomed.Accept || op.Kind == resolve.Touch || len(object.Versions) == 0 {
		return logical.Dot{}, nil
	}
	over := beatenBy(panel, object, op, h)
	if len(over) == 0 {
		return logical.Dot{}, nil
	}
	if fate == doomed.Lift {
		lift(object, op, over)
		if len(beatenBy(panel, object, op, h)) > 0 { // what is not shown any more can still beat it
			lift(object, op, dots(object, all(object)))
		}
		if len(beatenBy(panel, object, op, h)) == 0 {
			return over[0], nil
		}
	}
	return over[0], fmt.Errorf("write %s has a stamp that this one cannot beat, so that it would be lost at once, and nothing was stored; "+
		"one of two leaders' clocks is wrong: kv why tells about the other write, kv clock about clocks. "+
		"Write at a leader whose clock is past that stamp, or serve the key with doomed=lift", over[0])
}

// beatenBy is what the serving resolver would show after the op in its place; none: it
// would show the op, or nothing.
func beatenBy(panel resolve.Panel, object *resolve.Object, op *resolve.Op, h resolve.History) []logical.Dot {
	alone, trial := resolve.Panel{Serving: panel.Serving, Rules: panel.Rules}, object.Clone()
	new(resolve.Folder).Keep(alone, trial, op, h)
	shown := dots(trial, alone.Survivors(trial, alone.Serving, nil))
	for _, d := range shown {
		if d == op.Dot {
			return nil
		}
	}
	return shown
}

func dots(o *resolve.Object, versions []int) (all []logical.Dot) {
	for _, i := range versions {
		all = append(all, o.Versions[i].Dot)
	}
	return all
}

func all(o *resolve.Object) (versions []int) {
	for i := range o.Versions {
		versions = append(versions, i)
	}
	return versions
}

// lift raises the stamps that resolvers judge the op by just above those of the versions
// named, where they are not above. What the clocks showed stays in the op.
func lift(o *resolve.Object, op *resolve.Op, over []logical.Dot) {
	e := o.JustAbove(over)
	if op.Wall.Midpoint() > e.Wall.Midpoint() {
		e.Wall = op.Wall
	}
	if op.HLC.Compare(e.HLC) > 0 {
		e.HLC = op.HLC
	}
	e.Lamport = max(e.Lamport, op.Lamport)
	op.Expired = e
}
