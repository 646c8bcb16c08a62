package codec

import (
	"encoding/binary"
	"math"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// halfMicro is the unit of widths: clocks claim their error in microseconds,
// and an interval is twice as wide.
const halfMicro = 2000

// AppendInterval writes the earliest instant and the width: in units of two
// microseconds if that is exact, else in nanoseconds as -1-width.
func AppendInterval(dst []byte, v wallclock.Interval) []byte {
	dst = AppendInt(dst, int64(v.Earliest))
	width := int64(v.Latest - v.Earliest)
	if width%halfMicro == 0 {
		return AppendInt(dst, width/halfMicro)
	}
	return AppendInt(dst, -1-width)
}

// Interval reads what [AppendInterval] wrote.
func (r *Reader) Interval() wallclock.Interval {
	from, n := r.Int(), r.Int()
	width := -1 - n
	if n >= 0 {
		r.Require(n <= math.MaxInt64/halfMicro, "an interval is too wide")
		width = n * halfMicro
	} else {
		r.Require(width%halfMicro != 0, "an interval's width is written longer than needed")
	}
	r.Require(from <= math.MaxInt64-width, "an interval ends after the end of time")
	return wallclock.Interval{Earliest: wallclock.Instant(from), Latest: wallclock.Instant(from + width)}
}

// AppendHLC writes the stamp, its wall part from the midpoint of v.
func AppendHLC(dst []byte, h logical.HLC, v wallclock.Interval) []byte {
	dst = AppendInt(dst, h.Wall-int64(v.Midpoint()))
	return AppendUint(dst, uint64(h.Count))
}

// HLC reads what [AppendHLC] wrote with the same v.
func (r *Reader) HLC(v wallclock.Interval) logical.HLC {
	return logical.HLC{Wall: int64(v.Midpoint()) + r.Int(), Count: r.count32()}
}

// count32 is an unsigned number of at most 32 bits.
func (r *Reader) count32() uint32 {
	n := r.Uint()
	r.Require(n <= math.MaxUint32, "a count is too large")
	return uint32(n)
}

// Mask reads a set of resolvers.
func (r *Reader) Mask() resolve.Mask {
	n := r.Uint()
	r.Require(n <= math.MaxUint16, "a set of resolvers is too large")
	return resolve.Mask(n)
}

// appendTotals writes running totals.
func appendTotals(dst []byte, totals []number.Int128) []byte {
	dst = AppendArray(dst, len(totals))
	for _, n := range totals {
		dst = appendInt128(dst, n)
	}
	return dst
}

func (r *Reader) totals() []number.Int128 {
	n := r.Array("totals", MaxDots, 1)
	if n == 0 {
		return nil
	}
	totals := make([]number.Int128, n)
	for i := range totals {
		totals[i] = r.int128()
	}
	return totals
}

// appendInt128 writes n as a signed number, or, where 64 bits do not hold it, as
// its sixteen bytes.
func appendInt128(dst []byte, n number.Int128) []byte {
	if n.Fits() {
		return AppendInt(dst, int64(n.Lo))
	}
	dst = binary.BigEndian.AppendUint64(append(dst, mBin8, 16), uint64(n.Hi))
	return binary.BigEndian.AppendUint64(dst, n.Lo)
}

func (r *Reader) int128() number.Int128 {
	if r.peek() != mBin8 {
		return number.Of(r.Int())
	}
	r.byte()
	r.Require(r.byte() == 16, "a number of more than 64 bits has sixteen bytes")
	n := number.Int128{Hi: int64(r.big(8)), Lo: r.big(8)}
	r.Require(!n.Fits(), "a number is written wider than needed")
	return n
}

// AppendDot writes origin and seq as two numbers.
func AppendDot(dst []byte, d logical.Dot) []byte {
	return AppendUint(AppendUint(dst, uint64(d.Origin)), uint64(d.Seq))
}

// Dot reads what [AppendDot] wrote.
func (r *Reader) Dot() logical.Dot {
	o := logical.Origin(r.Uint())
	return logical.Dot{Origin: o, Seq: logical.Seq(r.Uint())}
}

// plainFormat is the version of this layout of a dot that stands alone:
//
//	format, origin, seq
const plainFormat = 1

// AppendPlainDot writes d as a value of its own. It is on the hot path: one is stored
// with each op that a request asks for.
func AppendPlainDot(dst []byte, d logical.Dot) []byte {
	return AppendDot(append(AppendArray(dst, 3), plainFormat), d)
}

// DecodePlainDot reads what [AppendPlainDot] wrote and nothing else.
func DecodePlainDot(b []byte) (logical.Dot, error) {
	r := NewReader("dot", b)
	n := r.Array("elements of a dot", 3, 1)
	r.Require(n == 3 && r.Uint() == plainFormat, "the format is not known to this version of the program")
	d := r.Dot()
	if err := r.End(); err != nil {
		return logical.Dot{}, err
	}
	return d, nil
}
