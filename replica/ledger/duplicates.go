package ledger

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

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

// duplicate is another dot of d's request: the first that is so, or else the smallest;
// zero: there is no other.
func (q *question) duplicate(d logical.Dot, is func(logical.Dot) bool) logical.Dot {
	dots := q.duplicatesOf(d)
	if len(dots) == 0 {
		return logical.Dot{}
	}
	return dots[max(0, slices.IndexFunc(dots, is))]
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
