package replica

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// A frontier names a bounded number of origins, and so does whatever is stored and
// sent with one. A leader whose frontier is full goes on with the origins that it
// knows: it takes no op of another, and says of which, so that peers do not ship
// them; and if its own origin is not in it yet, it takes no writes.
type turnedAway struct {
	refused []logical.Origin // whose ops were not taken, ascending; at most maxNotes
	ops     uint64           // how often one was not taken
}

// Origins is how many origins there are and may be.
type Origins struct {
	Count, Max int
	Refused    []logical.Origin // whose ops are not taken; the first of them, if there are many
	RefusedOps uint64           // how often one came
}

// Origins is as of now.
func (c *Core) Origins() Origins {
	return Origins{c.st.Frontier.Len(), c.cfg.MaxOrigins, slices.Clone(c.origins.refused), c.origins.ops}
}

// fits reports whether the frontier can take in the op's origin, and for those
// that it depends on.
func (t *turn) fits(op *resolve.Op) bool {
	if t.st.Frontier.Len() < t.cfg.MaxOrigins {
		return true
	}
	if t.st.Frontier.At(op.Dot.Origin) == 0 {
		return false
	}
	if op.Deps.Len() > t.st.Frontier.Len() {
		return false
	}
	for d := range op.Deps.All() {
		if t.st.Frontier.At(d.Origin) == 0 {
			return false
		}
	}
	return true
}

// turnAway does not take an op: its frontier is full.
func (t *turn) turnAway(op *resolve.Op) {
	t.event(Dropped{op.Dot, TooManyOrigins})
	t.origins.ops++
	i, known := slices.BinarySearch(t.origins.refused, op.Dot.Origin)
	if !known && len(t.origins.refused) < maxNotes {
		t.origins.refused = slices.Insert(t.origins.refused, i, op.Dot.Origin)
	}
}

// watchOrigins checks whether the frontier is full, after an origin came in.
func (t *turn) watchOrigins() {
	if why, full := t.originsFull(); full {
		t.refuseWrites(why)
	}
}

// originsFull refuses writes where the frontier is full and our own origin is not in it.
// A full frontier never becomes smaller.
func (c *Core) originsFull() (Refusal, bool) {
	if c.st.Frontier.Len() < c.cfg.MaxOrigins || c.st.Frontier.At(c.st.Origin) > 0 {
		return Refusal{}, false
	}
	return Refusal{Cause: OriginsFull, Detail: fmt.Sprintf("the logs here are of %d origins, as many as there may be, and the new one of this leader has no place among them; "+
		"write at a leader that kept its origin, and let this one serve reads", c.cfg.MaxOrigins)}, true
}
