package budget

import (
	"kvd/logical"
	"kvd/resolve"
)

// Scratch is memory for what the replies to one call show. It belongs to whoever makes the
// call, which resets it once the replies have been passed on. A nil Scratch is the heap.
type Scratch struct {
	bytes  []byte
	values [][]byte
	dots   []logical.Dot
}

// What a Scratch retains at most for the next call.
const maxRetainedBytes, maxRetained = 64 << 10, 1024

// Copy is a copy of b, valid until the Scratch is reset.
func (s *Scratch) Copy(b []byte) []byte {
	if s == nil {
		return append([]byte{}, b...)
	}
	if cap(s.bytes)-len(s.bytes) < len(b) { // what was given out stays where it is
		s.bytes = make([]byte, 0, max(len(b), 2*cap(s.bytes), 512))
	}
	from := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[from:len(s.bytes):len(s.bytes)]
}

// Reading shows one value, which it does not copy, and its dot.
func (s *Scratch) Reading(value []byte, d logical.Dot) resolve.Reading {
	if s == nil {
		return resolve.Reading{Values: [][]byte{value}, Dots: []logical.Dot{d}}
	}
	n := len(s.values)
	if n == cap(s.values) {
		s.values, s.dots = make([][]byte, 0, max(16, 2*n)), make([]logical.Dot, 0, max(16, 2*n))
		n = 0
	}
	s.values, s.dots = append(s.values, value), append(s.dots, d)
	return resolve.Reading{Values: s.values[n : n+1 : n+1], Dots: s.dots[n : n+1 : n+1]}
}

// Reset ends what was given out.
func (s *Scratch) Reset() {
	clear(s.values)
	s.bytes, s.values, s.dots = s.bytes[:0], s.values[:0], s.dots[:0]
	if cap(s.bytes) > maxRetainedBytes {
		s.bytes = nil
	}
	if cap(s.values) > maxRetained {
		s.values, s.dots = nil, nil
	}
}
