package resolve

import (
	"cmp"
	"slices"
	"strconv"

	"kvd/logical"
)

// counter adds up what every origin has added: a state-based counter (Shapiro
// et al. 2011) whose deletes take away exactly what their author had seen. Each
// origin's newest op is a version and carries the origin's running total.
type counter struct{}

// Fold replaces the origin's total, or, for a deletion, moves the base of every
// origin whose total the author had been shown.
func (counter) Fold(f *Folding) {
	if f.Op.Kind == Delete {
		for i, total := range f.Op.Seen {
			f.reset(f.Op.Parents[i], total)
		}
		return
	}
	f.count()
	f.void()
}

// Survivors is every origin's newest total.
func (counter) Survivors(o *Object, bit Mask, dst []int) []int { return kept(o, bit, dst) }

// Loses is false: additions commute.
func (counter) Loses() bool { return false }

// count puts the new version in the place of the origin's last one. When none
// is live, all that the origin had added before was taken away.
func (f *Folding) count() {
	fresh := &f.Object.Versions[f.New]
	fresh.Count = Count{Total: f.Op.Total, Base: f.Op.base()}
	if last := f.share(f.Op.Dot.Origin); last != nil {
		fresh.Count.Base, fresh.Count.Voids = last.Count.Base, last.Count.Voids
		last.Mask &^= f.Bit
	}
	fresh.Mask |= f.Bit
}

// base is what stood before the op's own addition. Where nothing was live at its
// leader a new life of the key begins, and all places before the op's are of
// earlier ones: neither a deletion nor a twin from there reaches into it.
func (o *Op) base() Base {
	if o.Prev == 0 {
		return Base{Seq: o.Dot.Seq - 1}
	}
	return Base{Seq: o.Prev, Total: o.Total - o.Delta}
}

// void takes back the larger of two dots that one request was given. Its origin
// carries it no longer when a deletion has taken it away.
func (f *Folding) void() {
	if !f.Object.Twins {
		return
	}
	t, ok := f.History.Twin(f.Op.Dot)
	if !ok {
		return
	}
	larger, delta := f.Op.Dot, f.Op.Delta
	if t.Compare(larger) > 0 {
		op, known := f.History.Op(t)
		if !known {
			return
		}
		larger, delta = t, op.Delta
	}
	v := f.share(larger.Origin)
	if v == nil || larger.Seq <= v.Count.Base.Seq {
		return
	}
	v.Count.Voids = append(slices.Clip(v.Count.Voids), VoidDelta{larger.Seq, delta})
	slices.SortFunc(v.Count.Voids, func(a, b VoidDelta) int { return cmp.Compare(a.Seq, b.Seq) })
}

// reset takes away what the origin of p had added up to p, where its running
// total was total.
func (f *Folding) reset(p logical.Dot, total int64) {
	v := f.share(p.Origin)
	switch {
	case v == nil || p.Seq <= v.Count.Base.Seq:
	case p.Seq == v.Dot.Seq:
		v.Mask &^= f.Bit
	default:
		v.Count.Base = Base{Seq: p.Seq, Total: total}
		v.Count.Voids = after(v.Count.Voids, p.Seq)
	}
}

// after is the voids past place n, in memory of their own; nil if there are
// none, so that equal counts are equal bytes.
func after(voids []VoidDelta, n logical.Seq) []VoidDelta {
	var left []VoidDelta
	for _, v := range voids {
		if v.Seq > n {
			left = append(left, v)
		}
	}
	return left
}

// share is the version that carries the origin's total, nil if none is live.
func (f *Folding) share(o logical.Origin) *Version { return f.Object.share(o, f.Bit) }

// share is the version that carries the origin's total under the resolver bit,
// leaving out versions that nobody has decided to keep yet.
func (o *Object) share(origin logical.Origin, bit Mask) *Version {
	for i := range o.Versions {
		if v := &o.Versions[i]; v.Dot.Origin == origin && v.Mask&bit != 0 {
			return v
		}
	}
	return nil
}

// Sum is the value of a counter and whether the key holds one. A leader refuses
// an addition that leaves 64 bits; those that several accepted apart may leave
// them together, and then the sum wraps round, everywhere alike.
func (o *Object) Sum() (int64, bool) {
	var sum int64
	live := false
	for i := range o.Versions {
		if o.Versions[i].Mask&Counter.Mask() != 0 {
			sum += o.Versions[i].Count.Share()
			live = true
		}
	}
	return sum, live
}

// integer reads a register's value as a counter would.
func integer(value []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil
}
