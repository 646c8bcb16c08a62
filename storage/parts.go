package storage

import (
	"encoding/binary"
	"math"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// The parts that ops, versions, losses and states have in common.

// halfMicro is the unit of widths: clocks claim their error in microseconds,
// and an interval is twice as wide.
const halfMicro = 2000

// appendInterval writes the earliest instant and the width: in units of two
// microseconds if that is exact, else in nanoseconds as -1-width.
func appendInterval(dst []byte, v wallclock.Interval) []byte {
	dst = appendInt(dst, int64(v.Earliest))
	width := int64(v.Latest - v.Earliest)
	if width%halfMicro == 0 {
		return appendInt(dst, width/halfMicro)
	}
	return appendInt(dst, -1-width)
}

func (r *reader) interval() wallclock.Interval {
	from, n := r.int(), r.int()
	width := -1 - n
	if n >= 0 {
		r.require(n <= math.MaxInt64/halfMicro, "an interval is too wide")
		width = n * halfMicro
	} else {
		r.require(width%halfMicro != 0, "an interval's width is written longer than needed")
	}
	r.require(from <= math.MaxInt64-width, "an interval ends after the end of time")
	return wallclock.Interval{Earliest: wallclock.Instant(from), Latest: wallclock.Instant(from + width)}
}

// appendHLC writes the stamp, its wall part from the midpoint of v.
func appendHLC(dst []byte, h logical.HLC, v wallclock.Interval) []byte {
	dst = appendInt(dst, h.Wall-int64(v.Midpoint()))
	return appendUint(dst, uint64(h.Count))
}

func (r *reader) hlc(v wallclock.Interval) logical.HLC {
	return logical.HLC{Wall: int64(v.Midpoint()) + r.int(), Count: r.count32()}
}

// count32 is an unsigned number of at most 32 bits.
func (r *reader) count32() uint32 {
	n := r.uint()
	r.require(n <= math.MaxUint32, "a count is too large")
	return uint32(n)
}

func (r *reader) mask() resolve.Mask {
	n := r.uint()
	r.require(n <= math.MaxUint16, "a set of resolvers is too large")
	return resolve.Mask(n)
}

// appendTotals writes running totals.
func appendTotals(dst []byte, totals []resolve.Int128) []byte {
	dst = appendArray(dst, len(totals))
	for _, n := range totals {
		dst = appendInt128(dst, n)
	}
	return dst
}

func (r *reader) totals() []resolve.Int128 {
	n := r.array("totals", MaxDots, 1)
	if n == 0 {
		return nil
	}
	totals := make([]resolve.Int128, n)
	for i := range totals {
		totals[i] = r.int128()
	}
	return totals
}

// appendInt128 writes n as a signed number, or, where 64 bits do not hold it, as
// its sixteen bytes.
func appendInt128(dst []byte, n resolve.Int128) []byte {
	if n.Fits() {
		return appendInt(dst, int64(n.Lo))
	}
	dst = binary.BigEndian.AppendUint64(append(dst, mBin8, 16), uint64(n.Hi))
	return binary.BigEndian.AppendUint64(dst, n.Lo)
}

func (r *reader) int128() resolve.Int128 {
	if r.peek() != mBin8 {
		return resolve.Wide(r.int())
	}
	r.byte()
	r.require(r.byte() == 16, "a number of more than 64 bits has sixteen bytes")
	n := resolve.Int128{Hi: int64(r.big(8)), Lo: r.big(8)}
	r.require(!n.Fits(), "a number is written wider than needed")
	return n
}

// appendDot writes origin and place as two numbers.
func appendDot(dst []byte, d logical.Dot) []byte {
	return appendUint(appendUint(dst, uint64(d.Origin)), uint64(d.Seq))
}

func (r *reader) dot() logical.Dot {
	o := logical.Origin(r.uint())
	return logical.Dot{Origin: o, Seq: logical.Seq(r.uint())}
}

// plainFormat is the version of a dot that stands alone: format, origin, seq.
const plainFormat = 1

func appendPlainDot(dst []byte, d logical.Dot) []byte {
	return appendDot(append(appendArray(dst, 3), plainFormat), d)
}

func decodePlainDot(b []byte) (logical.Dot, error) {
	r := newReader("dot", b)
	n := r.array("elements of a dot", 3, 1)
	r.require(n == 3 && r.uint() == plainFormat, "the format is not known to this version of the program")
	d := r.dot()
	if err := r.end(); err != nil {
		return logical.Dot{}, err
	}
	return d, nil
}
