// Package causal keeps ops that came before what they depend on, until they can be
// delivered in causal order.
//
// Memory is bounded: so many ops in all, and so many bytes and one op more of each
// sender. A sender all of whose ops wait must still be able to send what they wait for,
// so that what it has here beyond its bytes is credited to it at once. What finds no
// place is not kept: its sender sees no progress and sends it again.
//
// The package does not decide what is deliverable, applies nothing and sends nothing;
// whoever holds a [Buffer] does.
package causal

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// Buffer holds ops by origin, each sent by an S. The zero Buffer is empty.
type Buffer[S comparable] struct {
	queues  []queue[S]
	senders []sender[S]
	ops     int
	bytes   int
}

// queue is the buffered ops of one origin, ascending, none twice.
type queue[S comparable] struct {
	origin  logical.Origin
	entries []Entry[S]
}

// Entry is one op that waits. Nobody changes the op.
type Entry[S comparable] struct {
	Op       *resolve.Op
	From     S
	credited int // bytes of it that its sender was credited as it came
}

// Credit is what the sender is still to be credited, in bytes.
func (e *Entry[S]) Credit() int { return e.Op.Footprint() - e.credited }

// sender is what is buffered of one sender.
type sender[S comparable] struct {
	from  S
	bytes int
}

// Limits bound what a Buffer holds.
type Limits struct {
	Ops   int // in all
	Bytes int // of one sender's, exceeded by one op at most
}

// Outcome is what became of an op.
type Outcome uint8

// The outcomes.
const (
	Buffered  Outcome = 1 + iota
	Duplicate         // it is here already
	Full              // the buffer, or its sender's part of it, is at its limit
)

// Ops is how many ops wait.
func (b *Buffer[S]) Ops() int { return b.ops }

// Bytes is what they take.
func (b *Buffer[S]) Bytes() int { return b.bytes }

// Offer buffers an op if it finds a place. The credit is what its sender is to be
// credited at once, in bytes; zero where the op was not buffered.
func (b *Buffer[S]) Offer(op *resolve.Op, from S, l Limits) (o Outcome, credit int) {
	q := b.queue(op.Dot.Origin)
	i, twice := slices.BinarySearchFunc(q.entries, op.Dot.Seq, func(e Entry[S], s logical.Seq) int { return cmp.Compare(e.Op.Dot.Seq, s) })
	s := b.sender(from)
	switch {
	case twice:
		return Duplicate, 0
	case b.ops >= l.Ops || s.bytes >= l.Bytes:
		return Full, 0
	}
	n := op.Footprint()
	s.bytes += n
	b.bytes += n
	b.ops++
	credit = max(0, s.bytes-l.Bytes)
	q.entries = slices.Insert(q.entries, i, Entry[S]{op, from, credit})
	return Buffered, credit
}

// Drain offers each origin's first op to take, until take wants no more of any. What
// take answers true to is no longer in the buffer.
func (b *Buffer[S]) Drain(take func(*Entry[S]) bool) {
	for moved := b.ops > 0; moved; {
		moved = false
		for i := range b.queues {
			moved = b.drainQueue(&b.queues[i], take) || moved
		}
	}
	b.queues = slices.DeleteFunc(b.queues, func(q queue[S]) bool { return len(q.entries) == 0 })
}

func (b *Buffer[S]) drainQueue(q *queue[S], take func(*Entry[S]) bool) (moved bool) {
	n := 0
	for n < len(q.entries) && take(&q.entries[n]) {
		e := &q.entries[n]
		b.sender(e.From).bytes -= e.Op.Footprint()
		b.bytes -= e.Op.Footprint()
		n++
	}
	clear(q.entries[:n])
	q.entries = q.entries[n:]
	b.ops -= n
	return n > 0
}

// queue is where the origin's ops wait.
func (b *Buffer[S]) queue(o logical.Origin) *queue[S] {
	i, ok := slices.BinarySearchFunc(b.queues, o, func(q queue[S], o logical.Origin) int { return cmp.Compare(q.origin, o) })
	if !ok {
		b.queues = slices.Insert(b.queues, i, queue[S]{origin: o})
	}
	return &b.queues[i]
}

// sender is what is here of from's. There are as many senders as there are leaders.
func (b *Buffer[S]) sender(from S) *sender[S] {
	i := slices.IndexFunc(b.senders, func(s sender[S]) bool { return s.from == from })
	if i < 0 {
		i = len(b.senders)
		b.senders = append(b.senders, sender[S]{from: from})
	}
	return &b.senders[i]
}
