package resolve

import (
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
		for i, p := range f.Op.Parents {
			f.reset(p, f.Op.Seen, i)
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
	fresh.Count = Count{Total: f.Op.Total, Base: Base{Seq: f.Op.Prev, Total: f.Op.Total - f.Op.Delta}}
	if last := f.share(f.Op.Dot.Origin); last != nil {
		fresh.Count.Base, fresh.Count.Voids = last.Count.Base, last.Count.Voids
		last.Mask &^= f.Bit
	}
	fresh.Mask |= f.Bit
}

// void takes back the larger of two dots that one request was given.
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
	if v == nil || larger.Seq > v.Dot.Seq || larger.Seq <= v.Count.Base.Seq {
		return
	}
	v.Count.Voids = append(slices.Clip(v.Count.Voids), VoidDelta{larger.Seq, delta})
	slices.SortFunc(v.Count.Voids, func(a, b VoidDelta) int { return int(a.Seq) - int(b.Seq) })
}

// reset takes away what the origin of p had added up to p.
func (f *Folding) reset(p logical.Dot, seen []int64, i int) {
	v := f.share(p.Origin)
	switch {
	case v == nil || p.Seq <= v.Count.Base.Seq:
	case p.Seq >= v.Dot.Seq:
		v.Mask &^= f.Bit
	case i < len(seen):
		v.Count.Base = Base{Seq: p.Seq, Total: seen[i]}
		v.Count.Voids = slices.DeleteFunc(slices.Clone(v.Count.Voids), func(d VoidDelta) bool { return d.Seq <= p.Seq })
	}
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

// Sum is the value of a counter and whether the key holds one.
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
