// Package merge reads the log of one leader, which keeps each origin's ops apart,
// in one order that respects causality: that of Lamport stamps. Whoever folds a
// recorded history again reads it so.
package merge

import (
	"cmp"
	"fmt"
	"iter"

	"kvd/logical"
	"kvd/resolve"
)

// Merged is the ops of a log in Lamport order, which respects causality. It
// holds a few ops of each origin at a time.
type Merged struct {
	log    Log
	upTo   logical.Frontier
	prefix string
	err    error
}

// What is read of one origin at a time, and what of all origins together: a log may
// have thousands. At least one op of each is held.
const (
	readOps   = 256
	readBytes = 1 << 20
	heldBytes = 64 << 20
)

// Log is what one leader holds of everybody's ops: *storage.Store is one.
type Log interface {
	// Ops lists origin's ops from seq from on, ascending: at most maxOps, and
	// no more than have maxBytes of keys and values together; at least one if
	// there is one.
	Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error)
}

// New is the ops that upTo covers and whose keys begin with prefix. The log
// must hold still, as a snapshot does, or upTo must be durable in it.
func New(log Log, upTo logical.Frontier, prefix string) *Merged {
	return &Merged{log: log, upTo: upTo, prefix: prefix}
}

// Err is the first failed read; check it when All has ended.
func (m *Merged) Err() error { return m.err }

// All yields the ops. It can be gone through again. A failed read ends it.
func (m *Merged) All() iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) {
		var heads []*head
		for d := range m.upTo.All() {
			h := &head{Merged: m, origin: d.Origin, last: d.Seq, next: 1}
			if h.advance() {
				heads = append(heads, h)
			}
		}
		for m.err == nil && len(heads) > 0 {
			i := first(heads)
			if !yield(heads[i].op) {
				return
			}
			if !heads[i].advance() {
				heads = append(heads[:i], heads[i+1:]...)
			}
		}
	}
}

// head is how far one origin is read.
type head struct {
	*Merged
	origin logical.Origin
	last   logical.Seq // of it that is wanted
	next   logical.Seq // to be read
	ops    []*resolve.Op
	op     *resolve.Op
}

// first is the head with the smallest stamp.
func first(heads []*head) int {
	best := 0
	for i := 1; i < len(heads); i++ {
		a, b := heads[i].op, heads[best].op
		if cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot)) < 0 {
			best = i
		}
	}
	return best
}

// advance moves to the origin's next op that is wanted.
func (h *head) advance() bool {
	for {
		if len(h.ops) == 0 && !h.read() {
			return false
		}
		h.op, h.ops = h.ops[0], h.ops[1:]
		if h.op.Dot.Seq > h.last {
			return false
		}
		if len(h.op.Key) >= len(h.prefix) && h.op.Key[:len(h.prefix)] == h.prefix {
			return true
		}
	}
}

// read takes more of the log.
func (h *head) read() bool {
	if h.next > h.last || h.err != nil {
		return false
	}
	ops, err := h.log.Ops(h.origin, h.next, readOps, min(readBytes, heldBytes/max(1, h.upTo.Len())))
	if err != nil {
		h.err = fmt.Errorf("read the log in causal order: %w", err)
		return false
	}
	if len(ops) == 0 {
		return false
	}
	h.ops, h.next = ops, ops[len(ops)-1].Dot.Seq+1
	return true
}
