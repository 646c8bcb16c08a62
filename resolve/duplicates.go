package resolve

import (
	"slices"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
)

// noteDuplicates finds out whether op's request was accepted for this key before.
func (o *Object) noteDuplicates(op *Op, h History) {
	if op.HasRequest() && !o.Duplicates {
		o.Duplicates = len(duplicates(o.Key, op.Dot, h)) > 0
	}
}

// duplicates is the other dots of d's request, sorted, in memory of their own: those
// that are writes to this key. A client that numbers writes to two keys alike has
// made two requests. A touch is no write, and none is another one's duplicate: stated
// twice is stated once.
func (o *Object) duplicates(d logical.Dot, h History) []logical.Dot {
	if !o.Duplicates {
		return nil
	}
	return duplicates(o.Key, d, h)
}

func duplicates(key string, d logical.Dot, h History) []logical.Dot {
	var others []logical.Dot
	for _, t := range h.Duplicates(d) {
		if t == d {
			continue
		}
		if op, known := h.Op(t); !known || op.Key == key && op.Kind != Touch {
			others = append(others, t)
		}
	}
	return others
}

// repeats reports whether d's request is among shown under another dot.
func (o *Object) repeats(d logical.Dot, shown *dotset.Index, h History) bool {
	if !o.Duplicates {
		return false
	}
	return slices.ContainsFunc(o.duplicates(d, h), func(t logical.Dot) bool { _, ok := shown.Find(t); return ok })
}

// duplicates is the other dots of d's request.
func (f *Folding) duplicates(d logical.Dot) []logical.Dot { return f.Object.duplicates(d, f.History) }

// additions is those other dots of d's request that have something to count. What
// a request comes to depends on the leader: a put whose deadline has passed on one
// clock, and not on another, is a deletion here and a put there.
func (f *Folding) additions(d logical.Dot) []logical.Dot {
	return slices.DeleteFunc(f.duplicates(d), func(t logical.Dot) bool {
		op, known := f.History.Op(t)
		return known && op.Kind == Delete
	})
}
