package replica

import (
	"kvd/logical"
	"kvd/resolve"
)

// draftsTogether is how many drafts share a piece of memory. Whoever keeps one op keeps
// all of them.
const draftsTogether = 32

// drafts is where ops are drafted: in pieces of memory for several ops and for the parent
// that most of them have. Nobody but the core knows a draft until it is taken.
type drafts struct {
	ops     []resolve.Op
	parents []logical.Dot
}

// next is memory for a draft. It is the same until one is taken.
func (d *drafts) next() *resolve.Op {
	if len(d.ops) == 0 {
		d.ops = make([]resolve.Op, draftsTogether)
	}
	if len(d.parents) == 0 {
		d.parents = make([]logical.Dot, draftsTogether)
	}
	op := &d.ops[0]
	op.Parents = d.parents[:0:1]
	return op
}

// take makes the draft that was made in next an op.
func (d *drafts) take() {
	if p := d.ops[0].Parents; len(p) > 0 && &p[0] == &d.parents[0] {
		d.parents = d.parents[1:]
	}
	d.ops = d.ops[1:]
}
