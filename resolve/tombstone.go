package resolve

import (
	"slices"

	"kvd/logical"
)

// tombstone marks a deletion that no later op of the key has covered, where the
// serving resolver itself keeps none. It is no resolver's bit: IDs grow from below.
//
// What such a resolver shows reflects every deletion that its leader has applied: a
// reader who is shown nothing, or other versions, is shown that the deleted ones are
// gone. So the dots of tombstones are among those of a reading, and the next op names
// them among its parents. Without them that op would seem to know nothing of the
// deletion, nor of all that was before it, and resolvers that compare stamps would
// record these as lost unseen.
//
// Tombstones are kept whatever the shadows are: leaders need not have the same, and a
// recorded history may be judged by any resolver.
const tombstone Mask = 1 << 14

// keepsTombstones reports whether the serving resolver needs them.
func (p Panel) keepsTombstones() bool { return table[p.Serving].tombstones }

// updateTombstones removes the tombstones that the op names or covers, and keeps one for
// a deletion.
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
// replaces them.
const maxTombstones = 64

// hideTombstones appends to hidden the tombstones that a deletion does not name as its
// parents, if they are many, so that clients who keep deleting by an old token leave few.
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
