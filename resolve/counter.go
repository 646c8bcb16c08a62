package resolve

import (
	"cmp"
	"math"
	"slices"

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
	v := f.share(d.Origin)
	return v != nil && d.Seq > v.Count.Base.Seq
}

// uncount takes back, once, what the op with dot d added, if its origin still
// carries it.
func (f *Folding) uncount(d logical.Dot) {
	op, known := f.History.Op(d)
	if !known || !f.counts(d) {
		return
	}
	c := &f.share(d.Origin).Count
	i, done := slices.BinarySearchFunc(c.Voids, d.Seq, func(v VoidDelta, s logical.Seq) int { return cmp.Compare(v.Seq, s) })
	if !done {
		c.Voids = slices.Insert(slices.Clip(c.Voids), i, VoidDelta{d.Seq, op.Delta})
	}
}

// reset takes away what the origin of p had added up to p, where its running
// total was total, and what it had added under another leader's dot.
func (f *Folding) reset(p logical.Dot, total int64) {
	v := f.share(p.Origin)
	if v == nil || p.Seq <= v.Count.Base.Seq {
		return
	}
	voids := v.Count.Voids
	if p.Seq == v.Dot.Seq {
		v.Mask &^= f.Bit
	} else {
		v.Count.Base = Base{Seq: p.Seq, Total: total}
		v.Count.Voids = after(voids, p.Seq)
	}
	for _, taken := range voids {
		if taken.Seq > p.Seq {
			break
		}
		for _, t := range f.additions(logical.Dot{Origin: p.Origin, Seq: taken.Seq}) {
			f.uncount(t)
		}
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

// integer reads a register's value as a counter would: what strconv.ParseInt
// takes in base ten. Most values are no numbers, and an error for each would be
// garbage.
func integer(value []byte) (int64, bool) {
	digits, negative := value, false
	if len(value) > 0 && (value[0] == '-' || value[0] == '+') {
		digits, negative = value[1:], value[0] == '-'
	}
	if len(digits) == 0 {
		return 0, false
	}
	var n int64 // counted downwards: there is one negative number more
	for _, c := range digits {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n < (math.MinInt64+d)/10 {
			return 0, false
		}
		n = 10*n - d
	}
	if negative {
		return n, true
	}
	return -n, n != math.MinInt64
}
