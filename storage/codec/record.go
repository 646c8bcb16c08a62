package codec

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"sync"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"

	"kvd/logical"
)

// Encoder writes a record, which is any value off the hot path, through msgpack/v5. A
// record is a single array; the caller writes its length and then its elements. Each
// method returns the encoder. Writing to memory cannot fail, so errors of msgpack/v5
// are not looked at.
type Encoder struct {
	to  sink
	enc *msgpack.Encoder
}

// sink is the bytes that an encoder appends to.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

func (s *sink) WriteByte(c byte) error {
	s.b = append(s.b, c)
	return nil
}

var encoders = sync.Pool{New: func() any {
	e := &Encoder{}
	e.enc = msgpack.NewEncoder(&e.to)
	return e
}}

// Encode begins to append to dst. The encoder is the caller's until Done.
func Encode(dst []byte) *Encoder {
	e := encoders.Get().(*Encoder)
	e.to.b = dst
	return e
}

// Done is dst with everything that was written. The encoder must not be used after it.
func (e *Encoder) Done() []byte {
	b := e.to.b
	e.to.b = nil
	encoders.Put(e)
	return b
}

// Array announces n elements.
func (e *Encoder) Array(n int) *Encoder { _ = e.enc.EncodeArrayLen(n); return e }

// Nil writes that there is nothing.
func (e *Encoder) Nil() *Encoder { _ = e.enc.EncodeNil(); return e }

// Uint writes n in the fewest bytes.
func (e *Encoder) Uint(n uint64) *Encoder { _ = e.enc.EncodeUint(n); return e }

// Int writes n in the fewest bytes.
func (e *Encoder) Int(n int64) *Encoder { _ = e.enc.EncodeInt(n); return e }

// Text writes s, which is UTF-8, as a string.
func (e *Encoder) Text(s string) *Encoder { _ = e.enc.EncodeString(s); return e }

// Bytes writes s as bytes.
func (e *Encoder) Bytes(s string) *Encoder {
	_ = e.enc.EncodeBytesLen(len(s))
	e.to.b = append(e.to.b, s...)
	return e
}

// Key writes s as a string if it is UTF-8, else as bytes, as [AppendKey] does.
func (e *Encoder) Key(s string) *Encoder {
	if utf8.ValidString(s) {
		return e.Text(s)
	}
	return e.Bytes(s)
}

// Dot writes origin and seq as two numbers.
func (e *Encoder) Dot(d logical.Dot) *Encoder {
	return e.Uint(uint64(d.Origin)).Uint(uint64(d.Seq))
}

// Frontier writes an array of the dots of f, by origin.
func (e *Encoder) Frontier(f logical.Frontier) *Encoder {
	e.Array(2 * f.Len())
	for d := range f.All() {
		e.Dot(d)
	}
	return e
}

// Decoder reads through msgpack/v5 what an [Encoder] wrote, and nothing else:
// msgpack/v5 accepts several encodings of a value, so each that was read is compared
// with its shortest one. It never lets msgpack/v5 take memory for an announced length:
// the length is compared with the bytes left before. The first error sticks; after it
// every answer is zero.
type Decoder struct {
	what    string
	b       []byte
	from    bytes.Reader // over b; msgpack/v5 reads it without a buffer of its own
	dec     *msgpack.Decoder
	scratch [9]byte // the longest number or announcement
	err     error
}

// NewDecoder reads b; errors say that what is being decoded.
func NewDecoder(what string, b []byte) *Decoder {
	d := &Decoder{what: what, b: b}
	d.from.Reset(b)
	d.dec = msgpack.NewDecoder(&d.from)
	return d
}

// at is how many bytes have been read.
func (d *Decoder) at() int { return len(d.b) - d.from.Len() }

// Fail keeps the first error and ends the reading.
func (d *Decoder) Fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("decode %s: at byte %d: %s", d.what, d.at(), fmt.Sprintf(format, args...))
	}
	d.b = nil
	d.from.Reset(nil)
}

// Require fails unless the condition holds.
func (d *Decoder) Require(ok bool, why string) {
	if !ok && d.err == nil {
		d.Fail("%s", why)
	}
}

// Failed reports whether there was an error.
func (d *Decoder) Failed() bool { return d.err != nil }

// End is the error of the whole reading: nothing may be left over.
func (d *Decoder) End() error {
	d.Require(d.from.Len() == 0, "bytes are left over")
	return d.err
}

// canonical reports whether what was read since start, with that error, is want.
func (d *Decoder) canonical(start int, err error, want []byte) bool {
	switch {
	case d.err != nil:
	case err != nil:
		d.Fail("%v", err)
	case !bytes.Equal(d.b[start:d.at()], want):
		d.Fail("%x is not the shortest encoding of what it holds, or of another type", d.b[start:d.at()])
	}
	return d.err == nil
}

// Array is the number of elements that follow: at most limit, and no more than the
// bytes left can hold.
func (d *Decoder) Array(limit int) int {
	start := d.at()
	n, err := d.dec.DecodeArrayLen()
	if !d.canonical(start, err, AppendArray(d.scratch[:0], max(n, 0))) {
		return 0
	}
	if n > limit || n > d.from.Len() {
		d.Fail("%d elements announced; the limit is %d, and %d bytes are left", n, limit, d.from.Len())
		return 0
	}
	return n
}

// ArrayBehind reads the announcement of fixed elements and up to limit others, and is how
// many others there are.
func (d *Decoder) ArrayBehind(fixed, limit int) int {
	n := d.Array(fixed+limit) - fixed
	d.Require(n >= 0, "there are too few elements for the format")
	return max(n, 0)
}

// Tuple reads the announcement of exactly n elements.
func (d *Decoder) Tuple(n int) {
	d.Require(d.Array(n) == n, "the number of elements is not that of the format")
}

// Format reads the number of the layout, which is the only one there is.
func (d *Decoder) Format(n uint64) {
	d.Require(d.Uint() == n, "the format is not known to this version of the program")
}

// Nil reads nothing if that stands here, and reports whether it does.
func (d *Decoder) Nil() bool {
	c, err := d.dec.PeekCode()
	if err != nil || c != mNil {
		return false
	}
	return d.dec.DecodeNil() == nil
}

// Uint reads a number that is not negative.
func (d *Decoder) Uint() uint64 {
	start := d.at()
	n, err := d.dec.DecodeUint64()
	if !d.canonical(start, err, AppendUint(d.scratch[:0], n)) {
		return 0
	}
	return n
}

// Int reads a number.
func (d *Decoder) Int() int64 {
	start := d.at()
	n, err := d.dec.DecodeInt64()
	if !d.canonical(start, err, AppendInt(d.scratch[:0], n)) {
		return 0
	}
	return n
}

// Count reads a number from zero to the greatest of 63 bits.
func (d *Decoder) Count() int64 {
	n := d.Int()
	d.Require(n >= 0, "a count is below zero")
	return n
}

// Uint32 reads a number of at most 32 bits.
func (d *Decoder) Uint32() uint32 {
	n := d.Uint()
	d.Require(n <= math.MaxUint32, "a count is too large")
	return uint32(n)
}

// Uint16 reads a number of at most 16 bits.
func (d *Decoder) Uint16() uint16 {
	n := d.Uint()
	d.Require(n <= math.MaxUint16, "a number is too large")
	return uint16(n)
}

// Text reads a string of UTF-8 of at most limit bytes.
func (d *Decoder) Text(limit int) string {
	s := d.run(limit, func(dst, b []byte) []byte { return appendTextHeader(dst, len(b)) })
	d.Require(utf8.ValidString(s), "a string is not UTF-8")
	return s
}

// Bytes copies at most limit bytes.
func (d *Decoder) Bytes(limit int) string {
	return d.run(limit, func(dst, b []byte) []byte { return AppendBinHeader(dst, len(b)) })
}

// Key reads what [Encoder.Key] wrote, at most limit bytes.
func (d *Decoder) Key(limit int) string {
	return d.run(limit, func(dst, b []byte) []byte {
		if utf8.Valid(b) {
			return appendTextHeader(dst, len(b))
		}
		return AppendBinHeader(dst, len(b))
	})
}

// run copies the string or bytes that follow, which must have that header.
func (d *Decoder) run(limit int, header func(dst, b []byte) []byte) string {
	start := d.at()
	n, err := d.dec.DecodeBytesLen()
	if err == nil && (n < 0 || n > limit || n > d.from.Len()) {
		err = fmt.Errorf("%d bytes announced; the limit is %d, and %d are left", n, limit, d.from.Len())
	}
	if err != nil || d.err != nil {
		d.canonical(start, err, nil)
		return ""
	}
	b := d.b[d.at() : d.at()+n]
	if !d.canonical(start, nil, header(d.scratch[:0], b)) {
		return ""
	}
	_, _ = d.from.Seek(int64(n), io.SeekCurrent) // n bytes are left
	return string(b)
}

// Dot reads what [Encoder.Dot] wrote.
func (d *Decoder) Dot() logical.Dot {
	o := logical.Origin(d.Uint())
	return logical.Dot{Origin: o, Seq: logical.Seq(d.Uint())}
}

// Frontier reads what [Encoder.Frontier] wrote: dots by origin, none twice, none zero.
func (d *Decoder) Frontier() logical.Frontier {
	n := d.Array(2 * MaxDeps)
	d.Require(n%2 == 0, "a frontier comes in pairs")
	var f logical.Frontier
	last := logical.Origin(0)
	for range n / 2 {
		dot := d.Dot()
		d.Require(dot.Origin > last && dot.Seq > 0, "a frontier is not in order")
		if d.err != nil {
			return logical.Frontier{}
		}
		last = dot.Origin
		f.Advance(dot)
	}
	return f
}
