package replica

import (
	"math"

	"kvd/logical"
)

// maxLead is how far a Lamport stamp may be above the number of ops that it can
// have been counted up by. No honest stamp is above that number at all: one op
// raises a counter by one, and whoever stamps an op has applied all that its
// counter heard of. The lead allows for origins that are no longer counted,
// and wears nothing out: it is not above other stamps but above ops.
const maxLead = 1 << 32

func (LamportAhead) isEvent() {}

// LamportAhead: a Lamport stamp is further above the ops there are than any leader
// can have counted, and was not absorbed: one stamp could wear the counter out for
// the whole cluster, or put every later write behind it. The op Dot was applied all
// the same, and ranks by its stamp where the lamport resolver judges; zero: it was a
// client's token.
type LamportAhead struct {
	Dot   logical.Dot
	Stamp logical.Lamport
	Bound logical.Lamport // the greatest that would have been absorbed
}

// lamportBound is the greatest stamp that an op may have which is applied next.
func (c *Core) lamportBound() logical.Lamport {
	return logical.Lamport(min(c.applied, math.MaxUint64/2) + 1 + maxLead)
}

// mergeLamport absorbs a Lamport stamp that can have been counted. The dot is whose
// it is; zero for a client's token.
func (t *turn) mergeLamport(stamp logical.Lamport, d logical.Dot) {
	if bound := t.lamportBound(); stamp > bound {
		t.event(LamportAhead{Dot: d, Stamp: stamp, Bound: bound})
		return
	}
	t.st.Lamport = t.st.Lamport.Merge(stamp)
}
