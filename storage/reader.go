package storage

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// reader takes MessagePack apart. It believes no length before it has seen that
// many bytes, and refuses what append.go would have written shorter. The first
// error sticks; after it every answer is zero.
type reader struct {
	what string // for errors: what is being decoded
	b    []byte // what is left
	size int    // of the whole input, for offsets in errors
	owns bool   // the input is the decoded value's: values need not be copied
	err  error
}

func newReader(what string, b []byte) reader { return reader{what: what, b: b, size: len(b)} }

// fail keeps the first error and stops the reading.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("decode %s: at byte %d: %s", r.what, r.size-len(r.b), fmt.Sprintf(format, args...))
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

// peek is the next byte without taking it; nil's byte at the end, which no
// reading accepts as a number.
func (r *reader) peek() byte {
	if len(r.b) == 0 {
		return mNil
	}
	return r.b[0]
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// big is an unsigned number of n bytes.
func (r *reader) big(n int) uint64 {
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
func (r *reader) wide(n int, atLeast uint64) uint64 {
	v := r.big(n)
	r.require(v >= atLeast, "a number or length is written wider than needed")
	return v
}

func (r *reader) uint() uint64 {
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
	r.fail("expected an unsigned number, found %#02x", c)
	return 0
}

func (r *reader) int() int64 {
	switch c := r.peek(); {
	case c >= mNegFix:
		return int64(int8(r.byte()))
	case c >= mInt8 && c <= mInt64:
		return r.negative()
	}
	n := r.uint()
	r.require(n <= math.MaxInt64, "a signed number is too large")
	return int64(n)
}

// negative is a number below the one-byte range.
func (r *reader) negative() int64 {
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
	r.require(v < below, "a number is written wider than needed")
	return v
}

// array is the number of elements of the array that begins here: at most limit,
// and no more than the bytes left can hold when each takes at least width.
func (r *reader) array(what string, limit, width int) int {
	var n uint64
	switch c := r.byte(); {
	case c&0xf0 == mFixArray:
		n = uint64(c & 0x0f)
	case c == mArray16:
		n = r.wide(2, 1<<4)
	case c == mArray32:
		n = r.wide(4, 1<<16)
	default:
		r.fail("expected the array of %s, found %#02x", what, c)
		return 0
	}
	switch {
	case n > uint64(limit):
		r.fail("%d %s announced; the limit is %d", n, what, limit)
		return 0
	case n*uint64(width) > uint64(len(r.b)):
		r.fail("%d %s announced, %d bytes left", n, what, len(r.b))
		return 0
	}
	return int(n)
}

// bin is the bytes that follow, shared with the input; false: nil.
func (r *reader) bin(limit int) ([]byte, bool) {
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
		r.fail("expected bytes, found %#02x", c)
	}
	return r.run(n, limit), true
}

// run is n bytes, at most limit.
func (r *reader) run(n uint64, limit int) []byte {
	if n > uint64(limit) {
		r.fail("%d bytes announced; the limit is %d", n, limit)
		return nil
	}
	return r.take(int(n))
}

// value copies the bytes that follow; nil stays nil.
func (r *reader) value() []byte {
	v, _ := r.begin(MaxValue)
	return v
}

// begin copies no more than limit of the bytes that follow, and says how many
// there are; nil stays nil.
func (r *reader) begin(limit int) (v []byte, size int) {
	b, ok := r.bin(MaxValue)
	if !ok || r.err != nil {
		return nil, 0
	}
	if r.owns && len(b) <= limit {
		return b, len(b)
	}
	return append(make([]byte, 0, min(len(b), limit)), b[:min(len(b), limit)]...), len(b)
}

// key copies the key that follows.
func (r *reader) key() string {
	c := r.peek()
	if c >= mBin8 && c <= mBin32 {
		b, _ := r.bin(MaxKey)
		r.require(!utf8.Valid(b), "a key in UTF-8 is not written as a string")
		return string(b)
	}
	b := r.str()
	r.require(utf8.Valid(b), "a key that is not UTF-8 is written as a string")
	return string(b)
}

// str is the string that follows, shared with the input.
func (r *reader) str() []byte {
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
		r.fail("expected a key, found %#02x", c)
	}
	return r.run(n, MaxKey)
}
