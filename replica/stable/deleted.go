package stable

import (
	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Closing says which deletions nobody can need any more. The zero Closing says of none.
//
// A deletion is kept for its stamp: a write that comes later, and was stamped earlier, loses
// to it. When no write with an earlier stamp can come any more, nobody can tell whether the
// deletion is still there, so leaders may drop it at different moments. Age alone tells
// nothing of that: a leader that was away for a year brings writes of last year.
type Closing struct {
	// Outside is stable and outside of history. Whatever comes was accepted by a leader
	// that had applied it, so it is never concurrent to what Outside covers.
	Outside logical.Frontier
	// Floor is what all leaders have promised to stamp their later writes above, and
	// Lamport what this leader's counter has reached.
	Floor   wallclock.Instant
	Lamport logical.Lamport
}

// OnlyDeletions reports whether nothing of the key is left but that it was deleted.
func OnlyDeletions(o *resolve.Object) bool {
	for i := range o.Versions {
		if v := &o.Versions[i]; !v.Deleted() || v.Mask&resolve.Derived != 0 {
			return false
		}
	}
	return len(o.Versions) > 0
}

// Needs is the floor that the deletions of an object need, of which nothing else is left;
// false: they are needed whatever is promised.
func (c *Closing) Needs(o *resolve.Object) (floor wallclock.Instant, ok bool) {
	if !OnlyDeletions(o) {
		return 0, false
	}
	for i := range o.Versions {
		v := &o.Versions[i]
		if !c.Outside.Covers(v.Dot) || v.Lamport > c.Lamport {
			return 0, false
		}
		floor = max(floor, v.Wall.Midpoint(), wallclock.Instant(v.HLC.Wall))
	}
	return floor, true
}

// Closed reports whether nobody can need the object any more.
func (c *Closing) Closed(o *resolve.Object) bool {
	floor, ok := c.Needs(o)
	return ok && floor <= c.Floor
}
