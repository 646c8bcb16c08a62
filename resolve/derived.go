package resolve

import (
	"kvd/logical"
	"kvd/resolve/number"
)

// Derived marks the version that carries an origin's total of ops which recorded
// none, because no counter judged where they were accepted. It is no resolver's
// bit: IDs grow from below. Such a version stays, without the counter's bit, when
// all of its total has been taken away: what the origin adds later, unseen by who
// took it away, goes on from there.
//
// The total is that of all the origin's ops of that sort for the key, and its base
// is what stood before the first of them that nobody has taken away. Both follow
// from which ops there are, so the order of arrival does not matter.
const Derived Mask = 1 << 13

// counted reports whether the op carries a counter's evidence. One from before
// that was recorded shows it by what it carries.
func (op *Op) counted(h History) bool {
	if op.Panel != 0 || op.Kind != Delete {
		return op.Panel.Has(Counter) || op.Panel == 0 && (op.Delta.IsZero() || !op.Total.IsZero() || op.Prev != 0)
	}
	if len(op.Seen) > 0 {
		return true
	}
	for _, p := range op.Parents {
		if seen, ok := h.Op(p); ok && seen.Kind != Delete {
			return false // its total would have been noted
		}
	}
	return true
}

// counts reports whether the op is one of those whose totals counters keep.
func (op *Op) counts() bool { return op.Kind == Put || op.Kind == Add }

// adds is what the op adds to its origin's total.
func (op *Op) adds() number.Int128 {
	if op.Kind != Put || op.counted(nil) || len(op.Unseen) > 0 {
		return op.Delta
	}
	n, _ := number.Integer(op.Value)
	return number.Of(n)
}

// Adds is what the op, which is no deletion, adds to a counter, and whether that
// was recorded where it was accepted.
func (op *Op) Adds() (delta number.Int128, recorded bool) { return op.adds(), op.counted(nil) }

// derive folds an op that carries no totals.
func (f *Folding) derive() {
	if f.Op.Kind != Add {
		vs := f.Object.Versions
		for i := range vs {
			if vs[i].Mask&(f.Bit|Derived) != 0 && i != f.New {
				f.take(i, f.Op.reaches(vs[i].Dot.Origin))
			}
		}
	}
	if f.Op.Kind != Delete {
		f.countDerived()
		f.void()
	}
}

// reaches is the last seq of an origin that the op takes away. Where its author
// had not been shown everything, a deletion takes away what it named, and a put is
// a difference and takes away nothing.
func (op *Op) reaches(o logical.Origin) logical.Seq {
	switch {
	case len(op.Unseen) == 0:
		return op.Deps.At(o)
	case op.Kind == Delete:
		return op.named(o)
	}
	return 0
}

// named is the last seq of an origin among the op's parents.
func (op *Op) named(o logical.Origin) logical.Seq {
	last := logical.Seq(0)
	for _, p := range op.Parents {
		if p.Origin == o {
			last = max(last, p.Seq)
		}
	}
	return last
}

// resetDerived lets a deletion that recorded the totals it saw take away those that
// were derived: the parents name the version that carried them.
func (f *Folding) resetDerived() {
	vs := f.Object.Versions
	for i := range vs {
		if vs[i].Mask&Derived != 0 {
			f.take(i, f.Op.named(vs[i].Dot.Origin))
		}
	}
}

// take takes away what the origin of a version had added up to a seq.
func (f *Folding) take(i int, upTo logical.Seq) {
	v := &f.Object.Versions[i]
	if upTo <= v.Count.Base.Seq {
		return
	}
	base, ok := Base{Seq: v.Dot.Seq, Total: v.Count.Total}, true
	if upTo < v.Dot.Seq {
		base, ok = f.baseAfter(v, upTo)
	}
	if !ok || base.Seq <= v.Count.Base.Seq {
		return
	}
	voids := v.Count.Voids
	v.Count.Base, v.Count.Voids = base, after(voids, base.Seq)
	v.Count.forget()
	if upTo >= v.Dot.Seq {
		v.Mask &^= f.Bit
	}
	f.takeBack(logical.Dot{Origin: v.Dot.Origin, Seq: base.Seq}, voids)
}

// baseAfter is the base before the version's first addition after seq; false: the log
// does not reach back to it. It reads the origin's ops backwards from the version: they
// are those that the deleting leader had not applied.
func (f *Folding) baseAfter(v *Version, seq logical.Seq) (Base, bool) {
	if v.Mask&Derived == 0 {
		return f.recordedBase(v, seq)
	}
	base := Base{Total: v.Count.Total}
	for s := v.Dot.Seq; s > seq; s-- {
		op, ok := f.History.Op(logical.Dot{Origin: v.Dot.Origin, Seq: s})
		if ok && op.Key == f.Object.Key && op.counts() && !op.counted(nil) {
			base.Seq, base.Total = s-1, base.Total.Minus(op.adds())
		}
	}
	return base, base.Seq != 0
}

// recordedBase follows the chain of ops that recorded the total.
func (f *Folding) recordedBase(v *Version, seq logical.Seq) (Base, bool) {
	op, ok := f.History.Op(v.Dot)
	for ok && op.Prev > seq {
		op, ok = f.History.Op(logical.Dot{Origin: v.Dot.Origin, Seq: op.Prev})
	}
	if !ok {
		return Base{}, false
	}
	return op.base(), true
}

// countDerived replaces the origin's last derived version by the new one.
func (f *Folding) countDerived() {
	fresh := &f.Object.Versions[f.New]
	base := Base{Seq: f.Op.Dot.Seq - 1}
	last := f.Object.derivedOf(f.Op.Dot.Origin)
	if last != nil {
		base.Total = last.Count.Total
	}
	fresh.Count = Count{Total: base.Total.Plus(f.Op.adds()), Base: base}
	if last != nil {
		if last.Mask&f.Bit != 0 {
			fresh.Count.Base, fresh.Count.Voids, fresh.Count.Deadlines = last.Count.Base, last.Count.Voids, last.Count.Deadlines
		}
		last.Mask &^= f.Bit | Derived
	}
	if s, ok := f.Op.Statement(); ok {
		fresh.Count.state(f.Object.Key, Deadline{f.Op.Dot.Seq, f.Op.Expires, s})
	}
	fresh.Mask |= f.Bit | Derived
}

// derives reports whether d's total was derived, and so is not what recorded totals
// go on from.
func (f *Folding) derives(d logical.Dot) bool {
	op, ok := f.History.Op(d)
	return ok && op.counts() && !op.counted(nil)
}

// derivedOf is the version that carries the origin's derived total, taken away or
// not.
func (o *Object) derivedOf(origin logical.Origin) *Version {
	for i := range o.Versions {
		if v := &o.Versions[i]; v.Dot.Origin == origin && v.Mask&Derived != 0 {
			return v
		}
	}
	return nil
}

// carrier is the live version that carries the total in which d was counted; nil:
// none is live.
func (f *Folding) carrier(d logical.Dot) *Version {
	if op, ok := f.History.Op(d); !ok || !op.counts() || op.counted(nil) {
		return f.Object.share(d.Origin, f.Bit)
	}
	if v := f.Object.derivedOf(d.Origin); v != nil && v.Mask&f.Bit != 0 {
		return v
	}
	return nil
}
