package resolvetest

import (
	"cmp"

	"kvd/resolve"
)

// Mistake is a resolver gone wrong in a well-known way, and a panel that uses
// it in the place of the right one.
type Mistake struct {
	Name  string
	In    resolve.ID
	Panel resolve.Panel
}

const byNodeName = "ties by node name"

// Mistakes is what the laws must catch.
func Mistakes() []Mistake {
	wrong := func(name string, id resolve.ID, r resolve.Resolver) Mistake {
		var rules resolve.Rules
		rules[id] = r
		return Mistake{name, id, resolve.Panel{Serving: id, Shadows: resolve.All &^ id.Mask(), Rules: &rules}}
	}
	return []Mistake{
		wrong("ties by arrival", resolve.LWW, best{byWall}),
		wrong(byNodeName, resolve.LWW, best{byNode}),
		wrong("last write among causal survivors", resolve.LWW, picked{}),
		wrong("intervals by pairs", resolve.Interval, pairwise{}),
		wrong("a tie that keeps the local version", resolve.HLC, local{}),
	}
}

// best keeps the version that is above the one kept so far.
type best struct {
	above func(v, w *resolve.Version) bool
}

// Fold replaces what is kept if the new version is above it.
func (b best) Fold(f *resolve.Folding) {
	vs := f.Object.Versions
	for i := range vs {
		if vs[i].Mask&f.Bit == 0 {
			continue
		}
		if !b.above(&vs[f.New], &vs[i]) {
			return
		}
		vs[i].Mask &^= f.Bit
	}
	vs[f.New].Mask |= f.Bit
}

// Survivors is all that is kept.
func (best) Survivors(o *resolve.Object, bit resolve.Mask, dst []int) []int { return kept(o, bit, dst) }

// Loses is true.
func (best) Loses() bool { return true }

// byWall knows no tie-break: of equal stamps the first to arrive stays.
func byWall(v, w *resolve.Version) bool { return v.Wall.Midpoint() > w.Wall.Midpoint() }

// byNode settles ties by the dot alone. It converges, and always favours the
// same leader.
func byNode(v, w *resolve.Version) bool {
	return cmp.Or(cmp.Compare(v.Wall.Midpoint(), w.Wall.Midpoint()), v.Dot.Compare(w.Dot)) > 0
}

// picked keeps a live set and shows the last write of it: what causality has
// replaced can no longer win, so a skewed clock seems to do no harm.
type picked struct{}

// Fold removes what the author saw and what was hidden from it.
func (picked) Fold(f *resolve.Folding) {
	for _, d := range f.Op.Parents {
		if i, ok := f.Object.Find(d); ok {
			f.Object.Versions[i].Mask &^= f.Bit
		}
	}
	for _, d := range f.Op.Hidden {
		if i, ok := f.Object.Find(d); ok {
			f.Object.Versions[i].Mask &^= f.Bit
		}
	}
	f.Object.Versions[f.New].Mask |= f.Bit
}

// Survivors is the last write of the live set.
func (picked) Survivors(o *resolve.Object, bit resolve.Mask, dst []int) []int {
	last := -1
	for _, i := range kept(o, bit, nil) {
		if last < 0 || byNode(&o.Versions[i], &o.Versions[last]) {
			last = i
		}
	}
	if last < 0 {
		return dst
	}
	return append(dst, last)
}

// Loses is true.
func (picked) Loses() bool { return true }

// local goes by hybrid stamps, and of two that are equal the leader of either keeps its
// own: what is there already, unless whoever wrote the new one had applied it. Two
// clusters of CockroachDB that replicated to each other did so (cockroach#168541).
type local struct{}

// Fold lets the new version in, unless what is there is above it.
func (local) Fold(f *resolve.Folding) {
	vs := f.Object.Versions
	fresh := &vs[f.New]
	for i := range vs {
		if i == f.New || vs[i].Mask&f.Bit == 0 {
			continue
		}
		c := fresh.HLC.Compare(vs[i].HLC)
		if c < 0 || c == 0 && !f.Op.Deps.Covers(vs[i].Dot) {
			return
		}
		vs[i].Mask &^= f.Bit
	}
	fresh.Mask |= f.Bit
}

// Survivors is all that is kept.
func (local) Survivors(o *resolve.Object, bit resolve.Mask, dst []int) []int {
	return kept(o, bit, dst)
}

// Loses is true.
func (local) Loses() bool { return true }

// pairwise keeps both of two overlapping intervals, else the later.
type pairwise struct{}

// Fold compares the new version with each that is kept, one by one.
func (pairwise) Fold(f *resolve.Folding) {
	vs := f.Object.Versions
	fresh, empty, overlaps, later := &vs[f.New], true, false, false
	for i := range vs {
		if vs[i].Mask&f.Bit == 0 {
			continue
		}
		empty = false
		switch {
		case vs[i].Wall.Before(fresh.Wall):
			vs[i].Mask &^= f.Bit
			later = true
		case !fresh.Wall.Before(vs[i].Wall):
			overlaps = true
		}
	}
	if empty || overlaps || later {
		fresh.Mask |= f.Bit
	}
}

// Survivors is all that is kept.
func (pairwise) Survivors(o *resolve.Object, bit resolve.Mask, dst []int) []int {
	return kept(o, bit, dst)
}

// Loses is true.
func (pairwise) Loses() bool { return true }

func kept(o *resolve.Object, bit resolve.Mask, dst []int) []int {
	for i := range o.Versions {
		if o.Versions[i].Mask&bit != 0 {
			dst = append(dst, i)
		}
	}
	return dst
}
