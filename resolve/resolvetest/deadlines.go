package resolvetest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// EachDeadline replays in a random order and holds the deadlines of every
// intermediate state against brute force.
func EachDeadline(p Past, r *rand.Rand) error {
	_, err := replay(p, Order(p.Ops, r), func(rep *Replica, _ *resolve.Op) error {
		return NewBrute(p.Panel, p.Key, rep.Log).deadlines(rep.Object)
	})
	return err
}

// deadlines compares when each version ends, and when the counter does.
func (b *Brute) deadlines(o *resolve.Object) error {
	for i := range o.Versions {
		v := &o.Versions[i]
		want := b.deadlineOf(v.Dot)
		if v.Expires != want.at || v.Touched != nil && v.Touched.By != want.by || v.Touched == nil && want.by != v.Dot {
			return fmt.Errorf("%s ends at %d, stated by %+v; want %+v", v.Dot, v.Expires, v.Touched, want)
		}
	}
	if !b.panel.Mask().Has(resolve.Counter) {
		return nil
	}
	e, _ := o.Deadline()
	if want := b.counterDeadline(); e.Expires != want.at || e.Stamp.By != want.by {
		return fmt.Errorf("the counter ends as %+v says, want %+v\n%s", e, want, Render(o))
	}
	return nil
}

// statement is one statement about an end.
type statement struct {
	at  wallclock.Instant
	hlc logical.HLC
	by  logical.Dot
}

// deadlineOf is what holds of the version d: its own op's statement, or the touch that names
// it with the greatest stamp.
func (b *Brute) deadlineOf(d logical.Dot) statement {
	best := statement{by: d}
	for _, op := range b.ops {
		if op.Dot == d {
			best.at = op.Expires
		}
	}
	for _, op := range b.all {
		if op.Kind == resolve.Touch && names(op, d) {
			best = b.later(best, statement{op.Expires, stamp(op).HLC, op.Dot}, best.by == d)
		}
	}
	return best
}

// counterDeadline is the statement with the greatest stamp among all about something
// that still counts.
func (b *Brute) counterDeadline() (best statement) {
	for _, target := range b.counts() {
		for _, op := range b.all {
			s, stated := op.Statement()
			if stated && (op.Dot == target.Dot || op.Kind == resolve.Touch && names(op, target.Dot)) {
				best = b.later(best, statement{op.Expires, s.HLC, s.By}, best.by.IsZero())
			}
		}
	}
	return best
}

// later is the one of two statements that holds. Equal stamps are settled as an
// object settles them, whichever comes first.
func (b *Brute) later(x, y statement, none bool) statement {
	switch c := x.hlc.Compare(y.hlc); {
	case none, c < 0:
		return y
	case c > 0 || x.by == y.by:
		return x
	}
	if b.settles(x, y) {
		return x
	}
	return y
}

// settles asks an object whose one version two touches name.
func (b *Brute) settles(x, y statement) bool {
	target := logical.Dot{Origin: 1, Seq: 1}
	r := NewReplica(resolve.Panel{Serving: resolve.LWW}, b.key)
	r.Panel.Fold(r.Object, &resolve.Op{Dot: target, Key: b.key, Kind: resolve.Put}, r.History, nil)
	for _, s := range []statement{x, y} {
		touch := &resolve.Op{Dot: s.by, Key: b.key, Kind: resolve.Touch, HLC: s.hlc, Parents: []logical.Dot{target}}
		r.Panel.Fold(r.Object, touch, r.History, nil)
	}
	return r.Object.Versions[0].Touched.By == x.by
}

func stamp(op *resolve.Op) resolve.Stamp {
	s, _ := op.Statement()
	return s
}

func names(op *resolve.Op, d logical.Dot) bool { return slices.Contains(op.Parents, d) }
