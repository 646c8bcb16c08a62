package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"kvd/resolve"
)

// Reader takes MessagePack apart. It believes no length before it has seen that
// many bytes, and refuses what append.go would have written shorter. The first
// error sticks; after it every answer is zero.
type Reader struct {
	what string          // for errors: what is being decoded
	b    []byte          // what is left
	size int             // of the whole input, for offsets in errors
	owns bool            // the input is the decoded value's: values need not be copied
	into *resolve.Object // what an object is decoded into; nil: a new one
	err  error
}

// NewReader reads b; errors say that what is being decoded.
func NewReader(what string, b []byte) Reader { return Reader{what: what, b: b, size: len(b)} }

// Fail keeps the first error and stops the reading.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("decode %s: at byte %d: %s", r.what, r.size-len(r.b), fmt.Sprintf(format, args...))
	}
	r.b = nil
}

// Require fails unless the condition holds.
func (r *Reader) Require(ok bool, why string) {
	if !ok && r.err == nil {
		r.Fail("%s", why)
	}
}

// Failed reports whether there was an error.
func (r *Reader) Failed() bool { return r.err != nil }

// End is the error of the whole reading: nothing may be left over.
func (r *Reader) End() error {
	r.Require(len(r.b) == 0, "bytes are left over")
	return r.err
}

// Len is how many bytes are left.
func (r *Reader) Len() int { return len(r.b) }

// Rest is all bytes that are left, shared with the input.
func (r *Reader) Rest() []byte { return r.take(len(r.b)) }

// take is the next n bytes, shared with the input.
func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b) {
		r.Fail("%d bytes announced or needed, %d left", n, len(r.b))
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// peek is the next byte without taking it; nil's byte at the end, which no
// reading accepts as a number.
func (r *Reader) peek() byte {
	if len(r.b) == 0 {
		return mNil
	}
	return r.b[0]
}

func (r *Reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// big is an unsigned number of n bytes.
func (r *Reader) big(n int) uint64 {
	b := r.take(n)
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	case 8:
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// wide is an unsigned number of n bytes that must not fit in fewer.
func (r *Reader) wide(n int, atLeast uint64) uint64 {
	v := r.big(n)
	r.Require(v >= atLeast, "a number or length is written wider than needed")
	return v
}

// Uint is the number that follows, which is not negative.
func (r *Reader) Uint() uint64 {
	c := r.byte()
	switch {
	case c < 1<<7:
		return uint64(c)
	case c == mUint8:
		return r.wide(1, 1<<7)
	case c == mUint16:
		return r.wide(2, 1<<8)
	case c == mUint32:
		return r.wide(4, 1<<16)
	case c == mUint64:
		return r.wide(8, 1<<32)
	}
	r.Fail("expected an unsigned number, found %#02x", c)
	return 0
}

// Int is the number that follows.
func (r *Reader) Int() int64 {
	switch c := r.peek(); {
	case c >= mNegFix:
		return int64(int8(r.byte()))
	case c >= mInt8 && c <= mInt64:
		return r.negative()
	}
	n := r.Uint()
	r.Require(n <= math.MaxInt64, "a signed number is too large")
	return int64(n)
}

// negative is a number below the one-byte range.
func (r *Reader) negative() int64 {
	var v, below int64
	switch r.byte() {
	case mInt8:
		v, below = int64(int8(r.big(1))), -32
	case mInt16:
		v, below = int64(int16(r.big(2))), math.MinInt8
	case mInt32:
		v, below = int64(int32(r.big(4))), math.MinInt16
	default:
		v, below = int64(r.big(8)), math.MinInt32
	}
	r.Require(v < below, "a number is written wider than needed")
	return v
}

// Array is the number of elements of the array that begins here: at most limit,
// and no more than the bytes left can hold when each takes at least width.
func (r *Reader) Array(what string, limit, width int) int {
	var n uint64
	switch c := r.byte(); {
	case c&0xf0 == mFixArray:
		n = uint64(c & 0x0f)
	case c == mArray16:
		n = r.wide(2, 1<<4)
	case c == mArray32:
		n = r.wide(4, 1<<16)
	default:
		r.Fail("expected the array of %s, found %#02x", what, c)
		return 0
	}
	switch {
	case n > uint64(limit):
		r.Fail("%d %s announced; the limit is %d", n, what, limit)
		return 0
	case n*uint64(width) > uint64(len(r.b)):
		r.Fail("%d %s announced, %d bytes left", n, what, len(r.b))
		return 0
	}
	return int(n)
}

// Bin is the bytes that follow, shared with the input; false: nil.
func (r *Reader) Bin(limit int) ([]byte, bool) {
	var n uint64
	switch c := r.byte(); c {
	case mNil:
		return nil, false
	case mBin8:
		n = r.big(1)
	case mBin16:
		n = r.wide(2, 1<<8)
	case mBin32:
		n = r.wide(4, 1<<16)
	default:
		r.Fail("expected bytes, found %#02x", c)
	}
	return r.run(n, limit), true
}

// run is n bytes, at most limit.
func (r *Reader) run(n uint64, limit int) []byte {
	if n > uint64(limit) {
		r.Fail("%d bytes announced; the limit is %d", n, limit)
		return nil
	}
	return r.take(int(n))
}

// Value copies the bytes that follow; nil stays nil.
func (r *Reader) Value() []byte {
	v, _ := r.prefix(MaxValue)
	return v
}

// prefix copies no more than limit of the bytes that follow, and says how many
// there are; nil stays nil.
func (r *Reader) prefix(limit int) (v []byte, size int) {
	b, ok := r.Bin(MaxValue)
	if !ok || r.err != nil {
		return nil, 0
	}
	if r.owns && len(b) <= limit {
		return b, len(b)
	}
	return append(make([]byte, 0, min(len(b), limit)), b[:min(len(b), limit)]...), len(b)
}

// Key copies the key that follows.
func (r *Reader) Key() string {
	c := r.peek()
	if c >= mBin8 && c <= mBin32 {
		b, _ := r.Bin(MaxKey)
		r.Require(!utf8.Valid(b), "a key in UTF-8 is not written as a string")
		return string(b)
	}
	b := r.str()
	r.Require(utf8.Valid(b), "a key that is not UTF-8 is written as a string")
	return string(b)
}

// str is the string that follows, shared with the input.
func (r *Reader) str() []byte {
	var n uint64
	switch c := r.byte(); {
	case c&0xe0 == mFixStr:
		n = uint64(c & 0x1f)
	case c == mStr8:
		n = r.wide(1, 1<<5)
	case c == mStr16:
		n = r.wide(2, 1<<8)
	case c == mStr32:
		n = r.wide(4, 1<<16)
	default:
		r.Fail("expected a key, found %#02x", c)
	}
	return r.run(n, MaxKey)
}
