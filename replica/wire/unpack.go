package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"kvd/logical"
	"kvd/replica"
)

// reader takes a body apart. It believes no length before it has seen that many
// bytes, and refuses what pack.go would have written shorter. The first error
// sticks; after it every answer is zero.
type reader struct {
	what Kind // for errors: what is being read
	b    []byte
	size int // of the body, for offsets in errors
	err  error
}

func newReader(what Kind, b []byte) reader { return reader{what: what, b: b, size: len(b)} }

// fail keeps the first error and stops the reading.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("read %s: at byte %d: %s: %w", r.what, r.size-len(r.b), fmt.Sprintf(format, args...), ErrMalformed)
	}
	r.b = nil
}

// require fails unless the condition holds.
func (r *reader) require(ok bool, why string) {
	if !ok && r.err == nil {
		r.fail("%s", why)
	}
}

// end is the error of the whole reading: nothing may be left over.
func (r *reader) end() error {
	r.require(len(r.b) == 0, "bytes are left over")
	return r.err
}

// take is the next n bytes, shared with the input.
func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b) {
		r.fail("%d bytes announced or needed, %d left", n, len(r.b))
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// big is an unsigned number of n bytes that would not fit in fewer.
func (r *reader) big(n int, atLeast uint64) uint64 {
	var room [8]byte
	copy(room[8-n:], r.take(n))
	v := binary.BigEndian.Uint64(room[:])
	r.require(v >= atLeast, "a number or length is written wider than needed")
	return v
}

func (r *reader) uint() uint64 { return r.uintFrom(r.byte()) }

func (r *reader) uintFrom(c byte) uint64 {
	switch {
	case c < 1<<7:
		return uint64(c)
	case c == mUint8:
		return r.big(1, 1<<7)
	case c == mUint16:
		return r.big(2, 1<<8)
	case c == mUint32:
		return r.big(4, 1<<16)
	case c == mUint64:
		return r.big(8, 1<<32)
	}
	r.fail("expected an unsigned number, found %#02x", c)
	return 0
}

func (r *reader) int() int64 {
	switch c := r.byte(); {
	case c >= mNegFix:
		return int64(int8(c))
	case c >= mInt8 && c <= mInt64:
		return r.negative(c)
	default:
		n := r.uintFrom(c)
		r.require(n <= math.MaxInt64, "a signed number is too large")
		return int64(n)
	}
}

// negative is a number below the one-byte range.
func (r *reader) negative(c byte) int64 {
	var v, below int64
	switch c {
	case mInt8:
		v, below = int64(int8(r.big(1, 0))), -32
	case mInt16:
		v, below = int64(int16(r.big(2, 0))), math.MinInt8
	case mInt32:
		v, below = int64(int32(r.big(4, 0))), math.MinInt16
	default:
		v, below = int64(r.big(8, 0)), math.MinInt32
	}
	r.require(v < below, "a number is written wider than needed")
	return v
}

// count32 is an unsigned number of at most 32 bits.
func (r *reader) count32() uint32 {
	n := r.uint()
	r.require(n <= math.MaxUint32, "a count is too large")
	return uint32(n)
}

// tuple reads the announcement of exactly n elements.
func (r *reader) tuple(n int) {
	if got := r.array(); r.err == nil && got != uint64(n) {
		r.fail("%d elements announced, expected %d", got, n)
	}
}

func (r *reader) array() uint64 {
	switch c := r.byte(); {
	case c&0xf0 == mFixArray:
		return uint64(c & 0x0f)
	case c == mArray16:
		return r.big(2, 1<<4)
	case c == mArray32:
		return r.big(4, 1<<16)
	default:
		r.fail("expected an array, found %#02x", c)
		return 0
	}
}

// bin is the bytes that follow, shared with the input.
func (r *reader) bin() []byte {
	var n uint64
	switch c := r.byte(); c {
	case mBin8:
		n = r.big(1, 0)
	case mBin16:
		n = r.big(2, 1<<8)
	case mBin32:
		n = r.big(4, 1<<16)
	default:
		r.fail("expected bytes, found %#02x", c)
	}
	return r.take(int(n))
}

// text copies the string that follows: UTF-8, at most limit bytes.
func (r *reader) text(limit int) string {
	var n uint64
	switch c := r.byte(); {
	case c&0xe0 == mFixStr:
		n = uint64(c & 0x1f)
	case c == mStr8:
		n = r.big(1, 1<<5)
	case c == mStr16:
		n = r.big(2, 1<<8)
	case c == mStr32:
		n = r.big(4, 1<<16)
	default:
		r.fail("expected a string, found %#02x", c)
	}
	if n > uint64(limit) {
		r.fail("a string of %d bytes; the limit is %d", n, limit)
		return ""
	}
	b := r.take(int(n))
	r.require(utf8.Valid(b), "a string is not UTF-8")
	return string(b)
}

// smallestPair is the fewest bytes an origin and its place can take.
const smallestPair = 2

func (r *reader) frontier() logical.Frontier {
	n := r.array()
	r.require(n%2 == 0 && n <= 2*MaxOrigins, "a frontier is of pairs, and bounded")
	r.require(n/2*smallestPair <= uint64(len(r.b)), "more origins announced than bytes are left")
	if r.err != nil {
		return logical.Frontier{}
	}
	dots := make([]logical.Dot, 0, n/2)
	for range n / 2 {
		d := logical.Dot{Origin: logical.Origin(r.uint()), Seq: logical.Seq(r.uint())}
		r.require(d.Origin != 0 && d.Seq != 0, "a frontier names no operation")
		r.require(len(dots) == 0 || dots[len(dots)-1].Origin < d.Origin, "a frontier is not sorted by origin")
		dots = append(dots, d)
	}
	if r.err != nil {
		return logical.Frontier{}
	}
	return logical.FrontierOf(dots...)
}

// list is the length of an array of groups of so many numbers, at most limit groups.
func (r *reader) list(group, limit uint64) int {
	n := r.array()
	r.require(n%group == 0 && n/group <= limit, "a list of notes is too long")
	r.require(n <= uint64(len(r.b)), "more is announced than bytes are left")
	if r.err != nil {
		return 0
	}
	return int(n / group)
}

// origins reads origins, ascending; nil: none.
func (r *reader) origins() (all []logical.Origin) {
	for range r.list(1, MaxNotes) {
		o := logical.Origin(r.uint())
		r.require(o != 0 && (len(all) == 0 || all[len(all)-1] < o), "a list of origins does not ascend")
		all = append(all, o)
	}
	return all
}

func (r *reader) sums() (all []replica.Sum) {
	for range r.list(3, 2*MaxNotes) {
		all = append(all, replica.Sum{Through: r.someDot(), Sum: r.uint()})
	}
	return all
}

func (r *reader) again() (all []logical.Dot) {
	for range r.list(2, MaxNotes) {
		all = append(all, r.someDot())
	}
	return all
}

// someDot reads a dot that names an operation.
func (r *reader) someDot() logical.Dot {
	d := logical.Dot{Origin: logical.Origin(r.uint()), Seq: logical.Seq(r.uint())}
	r.require(d.Origin != 0 && d.Seq != 0, "a dot names no operation")
	return d
}
