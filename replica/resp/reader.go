package resp

import (
	"bytes"
	"io"
)

// ProtocolError is input that is not the protocol, or beyond the limits. The
// connection cannot go on after it: nobody knows where the next command begins.
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// maxHeader is the longest line that announces a count or a length, as in Redis
// (which allows 64 KiB and never needs more than 20 digits).
const maxHeader = 64

// idleBuffer is how much of the input buffer is kept between commands.
const idleBuffer = 64 << 10

// span is where an argument stands in the buffer.
type span struct{ from, to int }

// Reader takes commands out of a stream. It never blocks but in Fill, so that
// everything that has arrived can be taken before anybody waits. It remembers
// how far it has parsed: a command that drips in byte by byte costs its length,
// not its square.
type Reader struct {
	src    io.Reader
	limits *Limits
	// Guest is set until the client has shown who it is: its commands are held
	// to what HELLO and AUTH need, as in Redis.
	Guest bool

	buf        []byte
	start, end int // what has arrived and is not yet taken
	pos        int // how far the command at start is parsed
	left       int // arguments of it that are still to come; 0: its header is
	size       int // the announced length of the argument at pos; -1: not announced yet
	want       int // how much the buffer must hold to go on
	spans      []span
	args       [][]byte
}

// NewReader reads from src within the limits, which must not change.
func NewReader(src io.Reader, limits *Limits) *Reader {
	return &Reader{src: src, limits: limits, size: -1}
}

// Partial reports whether a command has begun to arrive.
func (r *Reader) Partial() bool { return r.end > r.start }

// Next is the next command that has wholly arrived, or false. The arguments lie
// in the reader's buffer: they are valid until the next call of any method. A
// ProtocolError is final.
func (r *Reader) Next() ([][]byte, bool, error) {
	for r.start < r.end {
		if r.buf[r.start] != '*' {
			args, done, err := r.inline()
			if len(args) > 0 || !done || err != nil {
				return args, len(args) > 0, err
			}
			continue
		}
		done, err := r.multibulk()
		if err != nil || !done {
			return nil, false, err
		}
		if len(r.spans) > 0 {
			return r.take(), true, nil
		}
		r.advance() // an empty array asks for nothing
	}
	return nil, false, nil
}

// Fill waits for more input. What Next gave before is void.
func (r *Reader) Fill() error {
	r.makeRoom()
	n, err := r.src.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// multibulk parses on at pos and reports whether the command at start is whole.
func (r *Reader) multibulk() (bool, error) {
	if r.left == 0 {
		if ok, err := r.header(); !ok || err != nil {
			return false, err
		}
	}
	for r.left > 0 {
		if ok, err := r.argument(); !ok || err != nil {
			return false, err
		}
		r.left--
	}
	return true, nil
}

// header parses how many arguments the command has.
func (r *Reader) header() (bool, error) {
	r.pos, r.spans = r.start, r.spans[:0]
	n, ok, err := r.number("too big mbulk count string", "invalid multibulk length")
	if !ok || err != nil {
		return false, err
	}
	if r.Guest && n > guestArgs {
		return false, ProtocolError("unauthenticated multibulk length")
	}
	if n > int64(r.limits.Args) {
		return false, ProtocolError("invalid multibulk length")
	}
	r.left = int(max(n, 0))
	return true, nil
}

// argument parses one argument; false: it has not wholly arrived.
func (r *Reader) argument() (bool, error) {
	if r.size < 0 {
		if ok, err := r.announced(); !ok || err != nil {
			return false, err
		}
	}
	to := r.pos + r.size
	if r.end < to+2 {
		r.want = to + 2 - r.start
		return false, nil
	}
	if r.buf[to] != '\r' || r.buf[to+1] != '\n' {
		return false, ProtocolError("bulk string is not ended by CRLF")
	}
	r.spans = append(r.spans, span{r.pos, to})
	r.pos, r.size = to+2, -1
	return true, nil
}

// announced parses an argument's length.
func (r *Reader) announced() (bool, error) {
	if r.pos >= r.end {
		return false, nil
	}
	if c := r.buf[r.pos]; c != '$' {
		return false, ProtocolError("expected '$', got '" + string(rune(c)) + "'")
	}
	n, ok, err := r.number("too big bulk count string", "invalid bulk length")
	if !ok || err != nil {
		return false, err
	}
	switch {
	case r.Guest && n > guestBulk:
		return false, ProtocolError("unauthenticated bulk length")
	case n < 0 || n > int64(r.limits.Bulk):
		return false, ProtocolError("invalid bulk length")
	case int64(r.pos-r.start)+n > int64(r.limits.Command):
		return false, ProtocolError("too big command")
	}
	r.size = int(n)
	return true, nil
}

// number parses the line at pos after its first byte, and moves behind it.
func (r *Reader) number(tooLong, invalid string) (int64, bool, error) {
	line := r.buf[r.pos:r.end]
	i := bytes.IndexByte(line[:min(len(line), maxHeader)], '\n')
	if i < 0 {
		if len(line) >= maxHeader {
			return 0, false, ProtocolError(tooLong)
		}
		return 0, false, nil
	}
	if i < 2 || line[i-1] != '\r' {
		return 0, false, ProtocolError(invalid)
	}
	n, ok := parseInt(line[1 : i-1])
	if !ok {
		return 0, false, ProtocolError(invalid)
	}
	r.pos += i + 1
	return n, true, nil
}

// take hands out the command that multibulk has parsed.
func (r *Reader) take() [][]byte {
	r.args = r.args[:0]
	for _, s := range r.spans {
		r.args = append(r.args, r.buf[s.from:s.to:s.to])
	}
	r.advance()
	return r.args
}

// advance leaves the command that ends at pos.
func (r *Reader) advance() {
	r.start, r.left, r.size, r.want = r.pos, 0, -1, 0
}

// makeRoom makes the buffer able to take more. It grows only as fast as input
// arrives: an announced length alone reserves nothing beyond a doubling.
func (r *Reader) makeRoom() {
	switch {
	case r.start == r.end && cap(r.buf) > idleBuffer:
		r.buf = make([]byte, r.limits.Input)
		r.spans, r.args = nil, nil
		r.rebase(0)
	case r.buf == nil:
		r.buf = make([]byte, r.limits.Input)
	case r.start > 0 && (r.start == r.end || r.end == len(r.buf)):
		r.rebase(copy(r.buf, r.buf[r.start:r.end]))
	}
	if r.end == len(r.buf) {
		grown := make([]byte, max(2*len(r.buf), min(r.want, 4*len(r.buf))))
		copy(grown, r.buf[:r.end])
		r.buf = grown
	}
}

// rebase notes that what was at start, n bytes, is now at the buffer's begin.
func (r *Reader) rebase(n int) {
	by := r.start
	for i := range r.spans {
		r.spans[i].from -= by
		r.spans[i].to -= by
	}
	r.pos -= by
	r.start, r.end = 0, n
}

// parseInt reads a decimal number strictly: no plus sign, no blanks.
func parseInt(b []byte) (int64, bool) {
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if len(digits) < len(b) {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}
