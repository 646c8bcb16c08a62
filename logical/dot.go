package logical

import (
	"cmp"
	"fmt"
)

// Origin identifies one incarnation of one leader's log. It is drawn at random (64
// bits) when the log begins, so a log that lost its tail can never be mistaken
// for the one it continues. Zero is no origin.
type Origin uint64

// String renders the origin as sixteen hexadecimal digits.
func (o Origin) String() string { return fmt.Sprintf("%016x", uint64(o)) }

// Seq is the sequence number of an operation in its origin's log: 1, 2, 3… without gaps.
// Zero is before the first.
type Seq uint64

// Dot names one operation for ever (Almeida et al., dotted version vectors,
// 2010). The zero Dot names none.
type Dot struct {
	Origin Origin
	Seq    Seq
}

// IsZero reports whether d names no operation.
func (d Dot) IsZero() bool { return d == Dot{} }

// Compare orders dots by origin, then by sequence number: an arbitrary but total order,
// the same everywhere. It says nothing about time.
func (d Dot) Compare(e Dot) int {
	if c := cmp.Compare(d.Origin, e.Origin); c != 0 {
		return c
	}
	return cmp.Compare(d.Seq, e.Seq)
}

// String renders the dot as ORIGIN-SEQ, which [ParseDot] reads.
func (d Dot) String() string { return fmt.Sprintf("%s-%d", d.Origin, uint64(d.Seq)) }

// ParseDot reads what [Dot.String] wrote.
func ParseDot(s string) (Dot, error) {
	var o, q uint64
	_, err := fmt.Sscanf(s, "%16x-%d", &o, &q)
	if err != nil || o == 0 || q == 0 || (Dot{Origin(o), Seq(q)}).String() != s {
		return Dot{}, fmt.Errorf("read dot %q: expected sixteen hexadecimal digits, a dash and a number above zero, as in 00c0ffee00c0ffee-17", s)
	}
	return Dot{Origin(o), Seq(q)}, nil
}
