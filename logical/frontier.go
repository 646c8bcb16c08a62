package logical

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// Order is the relation of two frontiers.
type Order uint8

// The four outcomes of [Frontier.Compare].
const (
	Equal Order = iota
	Before
	After
	Concurrent
)

// String names the order in the design's words.
func (o Order) String() string {
	return [...]string{"equal", "before", "after", "concurrent"}[o&3]
}

// Frontier is a set of operations that holds, for each of its origins, every
// operation up to one sequence number. The zero value is the empty set.
//
// A Frontier is a value: every method that changes one returns a new one, and
// the old one stays as it was, except [Frontier.Advance], which says so.
type Frontier struct {
	last []Dot // sorted by origin, one entry an origin, no zero Seq
}

// FrontierOf gathers dots into the smallest frontier that covers them all.
func FrontierOf(dots ...Dot) Frontier {
	var f Frontier
	for _, d := range dots {
		f.Advance(d)
	}
	return f
}

// Len is the number of origins.
func (f Frontier) Len() int { return len(f.last) }

// At is the last sequence number covered of origin o; zero if none.
func (f Frontier) At(o Origin) Seq {
	if i, ok := f.find(o); ok {
		return f.last[i].Seq
	}
	return 0
}

// Covers reports whether the operation d is in the set.
func (f Frontier) Covers(d Dot) bool { return d.Seq <= f.At(d.Origin) }

// All yields the last dot of each origin, by origin.
func (f Frontier) All() iter.Seq[Dot] { return slices.Values(f.last) }

// Includes reports whether every operation of g is in f.
func (f Frontier) Includes(g Frontier) bool {
	i := 0
	for _, d := range g.last {
		for i < len(f.last) && f.last[i].Origin < d.Origin {
			i++
		}
		if i == len(f.last) || f.last[i].Origin != d.Origin || f.last[i].Seq < d.Seq {
			return false
		}
	}
	return true
}

// Compare tells which of the two sets includes the other.
func (f Frontier) Compare(g Frontier) Order {
	down, up := f.Includes(g), g.Includes(f)
	switch {
	case down && up:
		return Equal
	case up:
		return Before
	case down:
		return After
	}
	return Concurrent
}

// Join is the union of both sets. The result shares no memory with either.
func (f Frontier) Join(g Frontier) Frontier {
	out := Frontier{last: make([]Dot, 0, len(f.last)+len(g.last))}
	i, j := 0, 0
	for i < len(f.last) || j < len(g.last) {
		switch {
		case j == len(g.last) || i < len(f.last) && f.last[i].Origin < g.last[j].Origin:
			out.last = append(out.last, f.last[i])
			i++
		case i == len(f.last) || g.last[j].Origin < f.last[i].Origin:
			out.last = append(out.last, g.last[j])
			j++
		default:
			out.last = append(out.last, Dot{f.last[i].Origin, max(f.last[i].Seq, g.last[j].Seq)})
			i, j = i+1, j+1
		}
	}
	return out
}

// Meet is what both sets have. The result shares no memory with either.
func (f Frontier) Meet(g Frontier) Frontier {
	var out Frontier
	for i, j := 0, 0; i < len(f.last) && j < len(g.last); {
		switch {
		case f.last[i].Origin < g.last[j].Origin:
			i++
		case g.last[j].Origin < f.last[i].Origin:
			j++
		default:
			out.last = append(out.last, Dot{f.last[i].Origin, min(f.last[i].Seq, g.last[j].Seq)})
			i, j = i+1, j+1
		}
	}
	return out
}

// Beyond is how many operations f covers that g does not, math.MaxUint64 at most.
func (f Frontier) Beyond(g Frontier) (n uint64) {
	for _, d := range f.last {
		more := uint64(d.Seq - min(d.Seq, g.At(d.Origin)))
		if n += more; n < more {
			return math.MaxUint64
		}
	}
	return n
}

// Clone returns a frontier that shares no memory with f.
func (f Frontier) Clone() Frontier { return Frontier{last: slices.Clone(f.last)} }

// Copies makes copies of frontiers that share pieces of memory, so that a copy of a small
// one is not an allocation of its own. The zero Copies is ready.
type Copies struct{ room []Dot }

const (
	copiedTogether = 128 // dots in one piece of memory
	copiedAlone    = 32  // dots from which on a copy has its own: whoever keeps a small one keeps no large piece
)

// Of is f.Clone().
func (c *Copies) Of(f Frontier) Frontier {
	n := len(f.last)
	switch {
	case n == 0 || n >= copiedAlone:
		return f.Clone()
	case n > len(c.room):
		c.room = make([]Dot, copiedTogether)
	}
	last := c.room[:n:n]
	copy(last, f.last)
	c.room = c.room[n:]
	return Frontier{last: last}
}

// Advance covers d, and every operation of its origin before it, in place: f's
// memory changes, so f must not be shared. Use it on a Clone.
func (f *Frontier) Advance(d Dot) {
	if d.Seq == 0 {
		return
	}
	i, ok := f.find(d.Origin)
	if !ok {
		f.last = slices.Insert(f.last, i, d)
		return
	}
	f.last[i].Seq = max(f.last[i].Seq, d.Seq)
}

// Digest is equal for equal frontiers and almost surely different for others
// (FNV-1a over the sorted entries).
func (f Frontier) Digest() uint64 {
	h := uint64(14695981039346656037)
	for _, d := range f.last {
		for _, w := range [2]uint64{uint64(d.Origin), uint64(d.Seq)} {
			for range 8 {
				h = (h ^ w&0xff) * 1099511628211
				w >>= 8
			}
		}
	}
	return h
}

// String lists the last dots, by origin. [ParseFrontier] reads it.
func (f Frontier) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, d := range f.last {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s:%d", d.Origin, uint64(d.Seq))
	}
	b.WriteByte('}')
	return b.String()
}

// ParseFrontier reads what [Frontier.String] wrote.
func ParseFrontier(s string) (Frontier, error) {
	var f Frontier
	body := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	for _, word := range strings.Fields(body) {
		origin, seq, _ := strings.Cut(word, ":")
		d, err := ParseDot(origin + "-" + seq)
		if err != nil {
			return Frontier{}, fmt.Errorf("read frontier %q: %w", s, err)
		}
		f.Advance(d)
	}
	if f.String() != s {
		return Frontier{}, fmt.Errorf("read frontier %q: expected ascending origins, each with its last sequence number, as in {00c0ffee00c0ffee:17}", s)
	}
	return f, nil
}

// find is the index of origin o, or where it would be inserted.
func (f Frontier) find(o Origin) (int, bool) {
	if len(f.last) <= 8 {
		for i, d := range f.last {
			if d.Origin >= o {
				return i, d.Origin == o
			}
		}
		return len(f.last), false
	}
	return slices.BinarySearchFunc(f.last, o, func(d Dot, o Origin) int { return cmp.Compare(d.Origin, o) })
}
