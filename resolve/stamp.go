package resolve

import (
	"cmp"

	"kvd/resolve/internal/mix"
)

// maximal keeps the versions that no other beats. Because beating is a strict
// partial order on stamps, what survives is the set of maximal elements: the
// same whatever the order of arrival.
type maximal struct {
	beats func(key string, v, w *Version) bool
}

// Fold keeps the new version unless one that is kept beats it, and displaces
// those that it beats.
func (m maximal) Fold(f *Folding) {
	vs := f.Object.Versions
	fresh := &vs[f.New]
	for i := range vs {
		if vs[i].Mask&f.Bit != 0 && m.beats(f.Object.Key, &vs[i], fresh) {
			return
		}
	}
	for i := range vs {
		if vs[i].Mask&f.Bit != 0 && m.beats(f.Object.Key, fresh, &vs[i]) {
			vs[i].Mask &^= f.Bit
		}
	}
	fresh.Mask |= f.Bit
}

// Survivors is all that is kept.
func (m maximal) Survivors(o *Object, bit Mask, dst []int) []int { return kept(o, bit, dst) }

// Loses is true: a stamp says nothing about what its author had seen.
func (m maximal) Loses() bool { return true }

// byWall is last-write-wins as most stores do it: midpoints of wall clocks.
func byWall(key string, v, w *Version) bool {
	return tie(key, v, w, cmp.Compare(v.Wall.Midpoint(), w.Wall.Midpoint()))
}

// byLamport orders a write after all that its leader had heard of.
func byLamport(key string, v, w *Version) bool {
	return tie(key, v, w, cmp.Compare(v.Lamport, w.Lamport))
}

// byHLC does so too, and prefers the later clock among concurrent writes.
func byHLC(key string, v, w *Version) bool {
	return tie(key, v, w, v.HLC.Compare(w.HLC))
}

// tie breaks ties of equal stamps by a hash of key and dot, then by dot. A raw node
// name would always favour the same leader; value bytes would favour the same
// content.
func tie(key string, v, w *Version, c int) bool {
	if c == 0 {
		c = cmp.Compare(mix.Of(key, v.Dot), mix.Of(key, w.Dot))
	}
	if c == 0 {
		c = v.Dot.Compare(w.Dot)
	}
	return c > 0
}

// kept appends the indexes of the versions with the bit, in dot order.
func kept(o *Object, bit Mask, dst []int) []int {
	for i := range o.Versions {
		if o.Versions[i].Mask&bit != 0 {
			dst = append(dst, i)
		}
	}
	return dst
}
