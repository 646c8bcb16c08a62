package resolve

import "kvd/logical"

// siblings keeps the live set of dotted version vectors (Almeida et al. 2010):
// an op removes the versions its author had been shown and nothing else.
// Because ops are applied in causal order, removing parents is the whole rule:
// no version vector per key is needed.
//
// It also removes what the serving resolver hid: had siblings served the key,
// the author would have been shown those too. Where it does serve, it hides
// nothing.
type siblings struct{}

// Fold removes parents and hidden versions, and keeps the new one unless it deletes: a
// deletion needs no tombstone to be one, since absence and the frontier say it. That
// later writes know of it takes one: see tombstone.
func (siblings) Fold(f *Folding) { f.live(f.Op.Kind != Delete) }

// Survivors is the live set.
func (siblings) Survivors(o *Object, bit Mask, dst []int) []int { return kept(o, bit, dst) }

// Loses is false: only what was seen is removed.
func (siblings) Loses() bool { return false }

// causal keeps a live set like siblings, but shows one: the greatest hybrid
// logical stamp. A write covers what its leader held and hid, or a hidden
// version would resurface over the author's own write. A deletion stays in the
// live set as a version: dropping it would let the order of arrival decide
// between it and a concurrent write.
type causal struct{}

// Fold removes parents and hidden versions and keeps the new one.
func (causal) Fold(f *Folding) { f.live(true) }

// Survivors is the one version with the greatest stamp.
func (causal) Survivors(o *Object, bit Mask, dst []int) []int {
	best := -1
	for i := range o.Versions {
		if o.Versions[i].Mask&bit == 0 {
			continue
		}
		if best < 0 || byHLC(o.Key, &o.Versions[i], &o.Versions[best]) {
			best = i
		}
	}
	if best < 0 {
		return dst
	}
	return append(dst, best)
}

// Loses is true: of concurrent writes one is shown.
func (causal) Loses() bool { return true }

// live removes what the op covers from the live set and, if keep, adds its
// version.
//
// Each dot of one request is a version of its own here; [Panel.Read] shows them once.
// To let whoever saw the one remove the other would lose writes: when the
// retries of two clients cross, each request was seen by the other's.
func (f *Folding) live(keep bool) {
	for _, p := range f.Op.Parents {
		f.remove(p)
	}
	for _, p := range f.Op.Hidden {
		f.remove(p)
	}
	if !f.Op.judgedBy(f.Bit) {
		f.hide()
	}
	if keep {
		f.Object.Versions[f.New].Mask |= f.Bit
	}
}

// remove takes the version d out of the live set, if it is there.
func (f *Folding) remove(d logical.Dot) {
	if i, ok := f.Object.Find(d); ok {
		f.Object.Versions[i].Mask &^= f.Bit
	}
}
