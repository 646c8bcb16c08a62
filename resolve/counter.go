package resolve

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve/number"
)

// counter adds up what every origin has added: a state-based counter (Shapiro
// et al. 2011) whose deletes take away exactly what their author had seen. Each
// origin's newest op is a version and carries the origin's running total.
type counter struct{}

// Fold replaces the origin's total, or, for a deletion, moves the base of every
// origin whose total the author had been shown.
func (counter) Fold(f *Folding) {
	if !f.Op.counted(f.History) {
		f.derive()
		return
	}
	if f.Op.Kind == Delete {
		for i, total := range f.Op.Seen {
			f.reset(f.Op.Parents[i], total)
		}
		f.resetDerived()
		return
	}
	f.count()
	f.void()
}

// Survivors is every origin's newest total.
func (counter) Survivors(o *Object, bit Mask, dst []int) []int { return kept(o, bit, dst) }

// Loses is false: additions commute.
func (counter) Loses() bool { return false }

// count replaces the origin's last version by the new one. When none is live, all that
// the origin had added before was taken away. Where one is live here and none was at the
// op's leader, which happens only when a dot was given twice, the origin's share starts
// anew here too.
func (f *Folding) count() {
	fresh, last := &f.Object.Versions[f.New], f.Object.share(f.Op.Dot.Origin, f.Bit)
	fresh.Count = f.Op.count(f.Object.Key, last)
	if last != nil {
		last.Mask &^= f.Bit
	}
	fresh.Mask |= f.Bit
}

// count is the share of the op's origin, of which last carried the total until now; nil:
// none was live.
func (op *Op) count(key string, last *Version) Count {
	c := Count{Total: op.Total, Base: op.base()}
	if last != nil && op.Prev != 0 {
		c.Base, c.Voids, c.Deadlines = last.Count.Base, last.Count.Voids, last.Count.Deadlines
	}
	if s, ok := op.Statement(); ok {
		c.state(key, Deadline{op.Dot.Seq, op.Expires, s})
	}
	return c
}

// base is the total before the op's own addition. Where nothing was live at its leader
// the origin's share starts anew, and every seq before the op's belongs to earlier
// shares: neither a deletion nor a duplicate of those changes this one.
func (o *Op) base() Base {
	if o.Prev == 0 {
		return Base{Seq: o.Dot.Seq - 1}
	}
	return Base{Seq: o.Prev, Total: o.Total.Minus(o.Delta)}
}

// void takes back all but one of the dots that one request was given: the
// smallest counts, unless a deletion has taken any of them away, and with it the
// request.
func (f *Folding) void() {
	dots := f.additions(f.Op.Dot)
	if len(dots) == 0 {
		return
	}
	dots = append(dots, f.Op.Dot)
	slices.SortFunc(dots, logical.Dot.Compare)
	if !slices.ContainsFunc(dots, func(d logical.Dot) bool { return !f.counts(d) }) {
		dots = dots[1:]
	}
	for _, d := range dots {
		f.uncount(d)
	}
}

// counts reports whether the origin of d still carries what d added.
func (f *Folding) counts(d logical.Dot) bool {
	v := f.carrier(d)
	return v != nil && d.Seq > v.Count.Base.Seq
}

// uncount takes back, once, what the op with dot d added, if its origin still
// carries it.
func (f *Folding) uncount(d logical.Dot) {
	op, known := f.History.Op(d)
	if !known || !f.counts(d) {
		return
	}
	c := &f.carrier(d).Count
	i, done := slices.BinarySearchFunc(c.Voids, d.Seq, func(v VoidDelta, s logical.Seq) int { return cmp.Compare(v.Seq, s) })
	if !done {
		c.Voids = slices.Insert(slices.Clip(c.Voids), i, VoidDelta{d.Seq, op.adds()})
	}
}

// reset takes away what the origin of p had added up to p, where its running
// total was total, and what it had added under another leader's dot.
func (f *Folding) reset(p logical.Dot, total number.Int128) {
	v := f.Object.share(p.Origin, f.Bit)
	if v != nil && p == f.Op.Settles && p.Seq == v.Count.Base.Seq {
		// A deletion that had seen the one total has taken it from the other.
		v.Count.Base.Total = f.totalBefore(v, p.Seq, v.Count.Base.Total)
	}
	if v == nil || p.Seq <= v.Count.Base.Seq || p.Seq > v.Dot.Seq || p != v.Dot && f.derives(p) {
		return
	}
	voids := v.Count.Voids
	if p.Seq == v.Dot.Seq {
		v.Mask &^= f.Bit
	} else {
		v.Count.Base = Base{Seq: p.Seq, Total: f.totalBefore(v, p.Seq, total)}
		v.Count.Voids = after(voids, p.Seq)
		v.Count.forget()
	}
	f.takeBack(p, voids)
}

// totalBefore is the total on which the version's additions after seq were made. A dot
// that was given twice has two totals, and a deletion may have seen the other one.
// Where the log does not reach back, or only in too many steps, it is seen, the total
// that the deletion had seen: for every other dot that is the same.
func (f *Folding) totalBefore(v *Version, seq logical.Seq, seen number.Int128) number.Int128 {
	const maxSteps = 64
	op, ok := f.History.Op(v.Dot)
	for i := 0; ok && op.Prev > seq && i < maxSteps; i++ {
		op, ok = f.History.Op(logical.Dot{Origin: v.Dot.Origin, Seq: op.Prev})
	}
	if !ok || op.Prev > seq {
		return seen
	}
	return op.base().Total
}

// takeBack takes away what the origin of p had added, up to p, under another
// leader's dot: voids is what was counted there.
func (f *Folding) takeBack(p logical.Dot, voids []VoidDelta) {
	for _, taken := range voids {
		if taken.Seq > p.Seq {
			break
		}
		for _, t := range f.additions(logical.Dot{Origin: p.Origin, Seq: taken.Seq}) {
			f.uncount(t)
		}
	}
}

// after is the voids after seq n, in memory of their own; nil if there are none, so
// that equal counts are equal bytes.
func after(voids []VoidDelta, n logical.Seq) []VoidDelta {
	var left []VoidDelta
	for _, v := range voids {
		if v.Seq > n {
			left = append(left, v)
		}
	}
	return left
}

// share is the version that carries the origin's recorded total under the resolver
// bit, nil if none is live. It is none that no resolver has decided to keep yet.
func (o *Object) share(origin logical.Origin, bit Mask) *Version {
	for i := range o.Versions {
		if v := &o.Versions[i]; v.Dot.Origin == origin && v.Mask&(bit|Derived) == bit {
			return v
		}
	}
	return nil
}

// Sum is what the additions to a counter come to, and whether the key holds one. A
// leader refuses an addition that leaves 64 bits; those that several accepted apart
// may leave them together. Then the key shows the nearest number that 64 bits hold,
// everywhere alike, and nothing of the sum is forgotten.
func (o *Object) Sum() (number.Int128, bool) {
	var sum number.Int128
	live := false
	for i := range o.Versions {
		if o.Versions[i].Mask&Counter.Mask() != 0 {
			sum = sum.Plus(o.Versions[i].Count.share())
			live = true
		}
	}
	return sum, live
}
