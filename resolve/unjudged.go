package resolve

import (
	"slices"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
)

// An op carries evidence for the resolvers that judged where it was accepted. When
// a prefix is given another resolver, or another shadow, older ops are folded
// under a rule that no leader had judged by. What that rule needs follows from the
// op alone, never from when it arrives: a leader that folds a log again and one that
// receives the op later keep equal objects.
//
//   - From a live set an op removes all that its leader had applied, except what the
//     serving resolver showed there and the author had not been shown. Hidden would
//     have recorded exactly that.
//   - A counter reads each register write by what it left: a put takes away what
//     its leader held and leaves its number, or zero when it was none; an addition
//     adds; a deletion takes away what its leader held. See derived.go.
//   - The first fold decides whether an op was inverted: it was, if a version survives
//     it that its author had been shown.

// judgedBy reports whether the op carries what the resolver bit asks for.
func (op *Op) judgedBy(bit Mask) bool { return op.Panel == 0 || op.Panel&bit != 0 }

// unjudged is those of ids that did not judge where the op was accepted.
func (op *Op) unjudged(ids Mask) Mask {
	if op.Panel == 0 {
		return 0
	}
	return ids &^ op.Panel
}

// Covers reports whether the op's leader had applied d and its author had either
// been shown it or would not have been: then the op covers d. It is false for an op
// from before panels were recorded.
func (op *Op) Covers(d logical.Dot) bool {
	return op.Panel != 0 && op.Deps.Covers(d) && !slices.Contains(op.Unseen, d)
}

// HidesMore reports whether the op covers versions in the live set of id that it
// does not name: id did not judge where it was accepted.
func (op *Op) HidesMore(id ID) bool { return !op.judgedBy(id.Mask()) }

// Hides is what of the object's live sets the op covers without naming it, where
// its own leader kept none: as its Hidden would have listed it.
func (op *Op) Hides(o *Object) []logical.Dot {
	if op.Panel == 0 {
		return nil
	}
	var dots []logical.Dot
	live := All.ofFamily(liveSet) &^ op.Panel
	over, hidden, apart := dotset.Of(op.Parents), dotset.Of(op.Hidden), dotset.Of(op.Unseen)
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Mask&live != 0 && op.Deps.Covers(v.Dot) && !apart.Has(v.Dot) && !over.Has(v.Dot) && !hidden.Has(v.Dot) {
			dots = append(dots, v.Dot)
		}
	}
	return dots
}

// MayHaveFolded reports whether the object looks as if the panel had folded it:
// nobody else keeps a version, and everybody does who always keeps one. It is for
// stores from before the panel was stored.
func (p Panel) MayHaveFolded(o *Object) bool {
	var by Mask
	holds := false
	for i := range o.Versions {
		by |= o.Versions[i].Mask & All
		holds = holds || !o.Versions[i].Deleted()
	}
	missing := p.Mask() &^ by
	if !holds {
		missing &^= Siblings.Mask() | Counter.Mask() // of deletions they keep nothing
	}
	return by&^p.Mask() == 0 && (missing == 0 || len(o.Versions) == 0)
}

// hide removes from the live set what the op covers without naming it.
func (f *Folding) hide() {
	vs, apart := f.Object.Versions, dotset.Of(f.Op.Unseen)
	for i := range vs {
		if vs[i].Mask&f.Bit != 0 && f.Op.Deps.Covers(vs[i].Dot) && !apart.Has(vs[i].Dot) {
			vs[i].Mask &^= f.Bit
		}
	}
}

// maxUnseen is how many unseen versions an op lists. One that would list more is
// written as if nobody had recorded who judged it: then it covers what it names.
const maxUnseen = 1024
