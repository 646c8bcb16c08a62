// Package drafts is memory for ops that are being made: many of them share a piece, so that
// a write costs no allocation of its own.
package drafts

import (
	"kvd/logical"
	"kvd/resolve"
)

// together is how many drafts share a piece of memory. Whoever keeps one op keeps
// all of them.
const together = 32

// Drafts is where ops are drafted: in pieces of memory for several ops and for the parent
// that most of them have. Nobody but the core knows a draft until it is taken. The
// zero Drafts is ready.
type Drafts struct {
	ops     []resolve.Op
	parents []logical.Dot
}

// Next is memory for a draft. It is the same until one is taken.
func (d *Drafts) Next() *resolve.Op {
	if len(d.ops) == 0 {
		d.ops = make([]resolve.Op, together)
	}
	if len(d.parents) == 0 {
		d.parents = make([]logical.Dot, together)
	}
	op := &d.ops[0]
	op.Parents = d.parents[:0:1]
	return op
}

// Take makes the draft that was made in Next an op.
func (d *Drafts) Take() {
	if p := d.ops[0].Parents; len(p) > 0 && &p[0] == &d.parents[0] {
		d.parents = d.parents[1:]
	}
	d.ops = d.ops[1:]
}
