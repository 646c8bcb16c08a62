package stream

import (
	"slices"

	"kvd/resolve"
	"kvd/wallclock"
)

// Merge reads several streams of a Set at once. Lamport stamps extend causal order, so
// ops of several origins are taken in the order of their stamps: the gate at the other
// end can apply them as they come. It is driven from outside: whoever takes reads, as
// long as a stream is [Merge.Hungry].
type Merge struct {
	set     *Set
	cursors []cursor
}

// cursor is where one stream is being read.
type cursor struct {
	st  *Stream
	ops []*resolve.Op // read and not yet taken
}

// Start begins with every stream of the set that is on and has something to send.
func (m *Merge) Start(s *Set) {
	m.set, m.cursors = s, m.cursors[:0]
	for i := range s.streams {
		if st := &s.streams[i]; st.On && st.Sent < st.Last && !st.Blocked() {
			m.cursors = append(m.cursors, cursor{st: st})
		}
	}
}

// Stop forgets what is read; the memory is kept.
func (m *Merge) Stop() {
	clear(m.cursors)
	m.cursors = m.cursors[:0]
}

// More reports whether any stream may have something left.
func (m *Merge) More() bool { return len(m.cursors) > 0 }

// Hungry is a stream that has to be read before the next op can be taken; nil: there is
// none. Streams at their end, or at an op that cannot be sent, are left out.
func (m *Merge) Hungry() *Stream {
	m.cursors = slices.DeleteFunc(m.cursors, func(c cursor) bool {
		return len(c.ops) == 0 && (c.st.Sent >= c.st.Last || c.st.Blocked())
	})
	for i := range m.cursors {
		if c := &m.cursors[i]; len(c.ops) == 0 {
			return c.st
		}
	}
	return nil
}

// Feed gives the hungry stream its next ops: none, if it turned out to be blocked.
func (m *Merge) Feed(st *Stream, ops []*resolve.Op) {
	for i := range m.cursors {
		if m.cursors[i].st == st {
			m.cursors[i].ops = ops
		}
	}
}

// Take ships the next ops of the stream that is earliest: at most n, inside so many bytes,
// one at least. Where another stream is left, only the first of them is known to be next.
// Nothing may be hungry.
func (m *Merge) Take(n, bytes int, now wallclock.Mono) []*resolve.Op {
	c := m.earliest()
	ops := Within(c.ops, n, bytes)
	m.set.Ship(c.st, ops, now)
	c.ops = c.ops[len(ops):]
	return ops
}

// Next is the op that is taken next. Nothing may be hungry.
func (m *Merge) Next() *resolve.Op { return m.earliest().ops[0] }

// Single reports whether only one stream is left.
func (m *Merge) Single() bool { return len(m.cursors) == 1 }

// earliest is the cursor at the op with the smallest stamp, of several the one with the
// smallest origin.
func (m *Merge) earliest() *cursor {
	first := &m.cursors[0]
	for i := range m.cursors[1:] {
		if c := &m.cursors[i+1]; c.ops[0].Lamport < first.ops[0].Lamport {
			first = c
		}
	}
	return first
}

// Within is the longest beginning of ops inside both bounds, one op at least.
func Within(ops []*resolve.Op, n, bytes int) []*resolve.Op {
	end := 0
	for end < min(n, len(ops)) {
		if bytes -= ops[end].Size(); bytes < 0 && end > 0 {
			break
		}
		end++
	}
	return ops[:end:end]
}
