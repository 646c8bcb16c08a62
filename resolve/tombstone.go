package resolve

import (
	"slices"

	"kvd/logical"
)

// tombstone marks a deletion that no later op of the key has covered, where the
// serving resolver itself keeps none. It is no resolver's bit: IDs grow from below.
//
// What such a resolver shows reflects every deletion that its leader has applied:
// whoever was shown absence, or what stands beside it, was shown that those
// versions are gone. So the dots of tombstones stand among those of a reading,
// and the next op names them among its parents. Without them that op would seem
// to know nothing of the deletion, nor of all that was before it, and resolvers
// that compare stamps would say that these were lost unseen.
//
// Tombstones are kept whoever watches: leaders need not have the same shadows, and
// a recorded history may be judged by any resolver.
const tombstone Mask = 1 << 14

// buries reports whether the panel keeps tombstones.
func (p Panel) keepsTombstones() bool { return table[p.Serving].tombstones }

// bury covers the tombstones that the op names, and keeps one for a deletion: the
// deletions of a live set.
func (f *Folding) updateTombstones() {
	vs := f.Object.Versions
	for i := range vs {
		if v := &vs[i]; v.Mask&tombstone != 0 && (f.Op.names(v.Dot) || f.Op.Covers(v.Dot)) {
			v.Mask &^= tombstone
		}
	}
	if f.Op.Kind == Delete {
		vs[f.New].Mask |= tombstone
	}
}

// names reports whether d is among the parents of the op or was hidden from it.
func (op *Op) names(d logical.Dot) bool {
	return slices.Contains(op.Parents, d) || slices.Contains(op.Hidden, d)
}

// maxTombstones is how many a key may have before a deletion that does not name them
// takes their place.
const maxTombstones = 64

// merge appends to hidden what of many tombstones a deletion does not name as its
// parents, so that clients who delete by an old token again and again leave few.
func (p Panel) hideTombstones(o *Object, parents, hidden []logical.Dot) []logical.Dot {
	all := p.tombstones(o, nil)
	if len(all) < maxTombstones {
		return hidden
	}
	for _, d := range all {
		if !slices.Contains(parents, d) && !slices.Contains(hidden, d) {
			hidden = append(hidden, d)
		}
	}
	return hidden
}

// tombstones appends the dots of the tombstones, which are sorted.
func (p Panel) tombstones(o *Object, dots []logical.Dot) []logical.Dot {
	if !p.keepsTombstones() {
		return dots
	}
	for i := range o.Versions {
		if o.Versions[i].Mask&tombstone != 0 {
			dots = append(dots, o.Versions[i].Dot)
		}
	}
	return dots
}
