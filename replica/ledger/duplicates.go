package ledger

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// Duplicates is all dots of d's request.
func (q *question) Duplicates(d logical.Dot) []logical.Dot {
	dots, err := q.store.Duplicates(d)
	q.fail(err)
	return dots
}

// duplicatesOf is the other dots of d's request, asked only where there can be any. A
// client that numbers writes to two keys alike has made two requests.
func (q *question) duplicatesOf(d logical.Dot) []logical.Dot {
	if !q.object.Duplicates {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(q.Duplicates(d)), func(t logical.Dot) bool {
		op, known := q.Op(t)
		return t == d || known && op.Key != q.object.Key
	})
}

// shownDuplicate is a dot of d's request that id shows.
func (q *question) shownDuplicate(id resolve.ID, d logical.Dot) (logical.Dot, bool) {
	for _, t := range q.duplicatesOf(d) {
		if q.shows(id, t) {
			return t, true
		}
	}
	return logical.Dot{}, false
}

// seenDuplicate is a dot of d's request that somebody wrote over; the smallest, if
// nobody is known to have.
func (q *question) seenDuplicate(id resolve.ID, d logical.Dot) (logical.Dot, bool) {
	dots := q.duplicatesOf(d)
	for _, t := range dots {
		if _, ok := q.overwriter(id, t); ok {
			return t, true
		}
	}
	if len(dots) == 0 {
		return logical.Dot{}, false
	}
	return dots[0], true
}

// share is the running total that d's addition is in: nil if a deletion has taken
// it away. Doubled says that the request is not counted under this dot.
func (q *question) share(d logical.Dot) (s *resolve.Version, doubled bool) {
	for i := range q.object.Versions {
		s := &q.object.Versions[i]
		if s.Dot.Origin == d.Origin && s.Mask.Has(resolve.Counter) && d.Seq > s.Count.Base.Seq {
			return s, slices.ContainsFunc(s.Count.Voids, func(v resolve.VoidDelta) bool { return v.Seq == d.Seq })
		}
	}
	return nil, false
}

// countedDuplicate is the dot that d's request is counted under. Where a deletion has
// taken that away, it is the smallest of the others.
func (q *question) countedDuplicate(d logical.Dot) logical.Dot {
	dots := q.duplicatesOf(d)
	for _, t := range dots {
		if s, doubled := q.share(t); s != nil && !doubled {
			return t
		}
	}
	if len(dots) == 0 {
		return logical.Dot{}
	}
	return dots[0]
}
