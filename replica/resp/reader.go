package resp

import (
	"bytes"
	"fmt"
	"io"
)

// ProtocolError is input that is not the protocol, or beyond the limits. The
// connection cannot go on after it: nobody knows where the next command begins.
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// TooLarge says why a command beyond the limits was passed over. The stream goes
// on behind it.
type TooLarge string

func (e TooLarge) Error() string { return string(e) }

// maxPassed is how many times the largest command may be passed over, of one that
// is too large, before its connection is given up.
const maxPassed = 32

// maxHeader is the longest line that announces a count or a length, as in Redis
// (which allows 64 KiB and never needs more than 20 digits).
const maxHeader = 64

// maxBulk is the longest argument that may be announced, as in Redis. What is beyond
// the limits and not beyond this is passed over.
const maxBulk = 512 << 20

// maxIdle is how large the input buffer stays between commands.
const maxIdle = 64 << 10

// span is where an argument stands in the buffer; from below zero: it has memory of its
// own, and to is which of the large ones it is.
type span struct{ from, to int }

const errNoCRLF = ProtocolError("bulk string is not ended by CRLF")

// Reader takes commands out of a stream. It never blocks but in Fill, so that
// everything that has arrived can be taken before anybody waits. It remembers
// how far it has parsed: a command that drips in byte by byte costs its length,
// not its square.
type Reader struct {
	src    io.Reader
	limits *Limits
	// Unauthenticated is set until the client has authenticated. Its commands are limited
	// to what HELLO and AUTH need, as in Redis.
	Unauthenticated bool
	// Grow is asked before the reader holds n bytes more than it did, with the copies
	// made of them, and told of it when n is below zero. What must be had is waited for;
	// an error ends Fill. Nil: nobody is asked.
	Grow func(n int, must bool) error
	// Spare reports whether memory beyond the least is to be given back. Nil: it is not.
	Spare func() bool

	charged int  // what the reader was let hold beyond Limits.Input, with its copies
	full    bool // the last read filled the buffer: there may be more than it takes

	buf        []byte
	start, end int      // what has arrived and is not yet taken
	pos        int      // how far the command at start is parsed
	left       int      // arguments of it that are still to come; 0: its header is
	size       int      // the announced length of the argument at pos; -1: not announced yet
	want       int      // how much the buffer must hold to go on
	tooLarge   TooLarge // why the command is passed over; empty: it is not
	passed     int      // bytes of it that are gone already
	spans      []span
	args       [][]byte

	large []([]byte) // arguments of the command with memory of their own
	bulk  bulk       // the one that is arriving
	owned int        // bytes of those, announced
	lent  int        // bytes of those of the commands that were taken since the last Fill
	from  int        // LargeArg
}

// NewReader reads from src within the limits, which must not change.
func NewReader(src io.Reader, limits *Limits) *Reader {
	return &Reader{src: src, limits: limits, size: -1, from: LargeArg}
}

// Partial reports whether a command has begun to arrive.
func (r *Reader) Partial() bool { return r.end > r.start || r.left > 0 }

// Next is the next command that has wholly arrived, or false. The arguments lie
// in the reader's buffer: they are valid until the next call of any method. A
// ProtocolError is final; after TooLarge the command behind follows.
func (r *Reader) Next() ([][]byte, bool, error) {
	for r.start < r.end {
		if r.left == 0 && r.buf[r.start] != '*' {
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
		if why := r.tooLarge; why != "" {
			r.advance()
			return nil, false, why
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
	if r.lent > 0 {
		r.takeBack()
	}
	if r.wantsBulk() {
		if err := r.beginBulk(); err != nil {
			return err
		}
	}
	if len(r.bulk.b) < r.bulk.size {
		return r.fillBulk()
	}
	if err := r.makeRoom(); err != nil {
		return err
	}
	n, err := r.read(r.buf[r.end:])
	r.end += n
	r.full = r.end == len(r.buf)
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

func (r *Reader) header() (bool, error) {
	r.pos, r.spans = r.start, r.spans[:0]
	n, ok, err := r.number("too big mbulk count string", "invalid multibulk length")
	if !ok || err != nil {
		return false, err
	}
	if r.Unauthenticated && n > UnauthArgs {
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
	switch {
	case r.tooLarge != "":
		return r.pass()
	case r.bulk.size > 0:
		return r.endBulk()
	}
	to := r.pos + r.size
	if r.end < to+2 {
		r.want = to + 2 - r.start
		return false, nil
	}
	if r.buf[to] != '\r' || r.buf[to+1] != '\n' {
		return false, errNoCRLF
	}
	r.spans = append(r.spans, span{r.pos, to})
	r.pos, r.size = to+2, -1
	return true, nil
}

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
	case r.Unauthenticated && n > UnauthBulk:
		return false, ProtocolError("unauthenticated bulk length")
	case n < 0 || n > min(maxBulk, maxPassed*int64(r.limits.Command)):
		return false, ProtocolError("invalid bulk length")
	case n > int64(r.limits.Bulk):
		r.refuse("an argument of %d bytes is longer than %d, the limit for one (proto-max-bulk-len)", n, r.limits.Bulk)
	case int64(r.pos-r.start+r.owned)+n > int64(r.limits.Command):
		r.refuse("the command is longer than %d bytes, the limit for one with all its arguments; split it", r.limits.Command)
	}
	r.size = int(n)
	return true, nil
}

// refuse begins to pass over the command at hand; the first reason stays.
func (r *Reader) refuse(format string, args ...any) {
	if r.tooLarge == "" {
		r.tooLarge, r.spans = TooLarge(fmt.Sprintf(format, args...)), r.spans[:0]
		r.letGo()
	}
}

// pass drops what has arrived of a command that is refused, the argument at pos
// first; false: more of it is to come. Nothing of it is retained.
func (r *Reader) pass() (bool, error) {
	n := min(r.size, r.end-r.pos)
	r.size -= n
	r.pos += n
	whole := r.size == 0 && r.end >= r.pos+2
	if whole {
		if r.buf[r.pos] != '\r' || r.buf[r.pos+1] != '\n' {
			return false, errNoCRLF
		}
		r.pos, r.size = r.pos+2, -1
	}
	r.passed += r.pos - r.start
	r.start = r.pos
	if r.passed > maxPassed*r.limits.Command {
		return false, ProtocolError("too big command")
	}
	return whole, nil
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
	n, ok := ParseInt(line[1 : i-1])
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
		if s.from < 0 {
			r.args = append(r.args, r.large[s.to])
		} else {
			r.args = append(r.args, r.buf[s.from:s.to:s.to])
		}
	}
	r.advance()
	return r.args
}

// advance leaves the command that ends at pos.
func (r *Reader) advance() {
	r.start, r.left, r.size, r.want = r.pos, 0, -1, 0
	r.tooLarge, r.passed = "", 0
	r.letGo()
}

// makeRoom makes the buffer able to take more. It grows only as fast as input
// arrives: an announced length alone reserves nothing beyond a doubling. It is asked
// for as a whole all the same, so that of several that cannot all be had some come
// through, instead of each having half.
func (r *Reader) makeRoom() error {
	empty := r.start == r.end
	switch {
	case r.buf == nil, empty && r.tooMuch():
		r.buf = make([]byte, r.limits.Input)
		r.spans, r.args = nil, nil
		r.rebase(0)
		return r.hold(len(r.buf), true)
	case r.start > 0 && (empty || r.end == len(r.buf)):
		r.rebase(copy(r.buf, r.buf[r.start:r.end]))
	}
	switch n := 2 * len(r.buf); {
	case r.end == len(r.buf):
		n = max(n, min(r.want, 4*len(r.buf)))
		if most := r.limits.Command + maxIdle; n > most && r.want <= most {
			n = most
		}
		if err := r.hold(max(n, r.want), true); err != nil {
			return err
		}
		r.resize(n)
	case empty && r.full && n <= min(maxIdle, 2*r.limits.Command) && r.hold(n, false) == nil:
		r.resize(n)
	}
	return nil
}

// tooMuch reports whether the buffer is larger than it is worth between commands.
func (r *Reader) tooMuch() bool {
	return cap(r.buf) > maxIdle || cap(r.buf) > r.limits.Input && r.Spare != nil && r.Spare()
}

// hold asks for what a buffer of n bytes takes, and all that the reader holds beside
// it, or gives back. Of what is in the buffer the engine is given a copy.
func (r *Reader) hold(n int, must bool) error {
	n = 2*max(n-r.limits.Input, 0) + r.owned + r.lent
	if len(r.spans) > LargeArg/spanBytes {
		n += 2 * spanBytes * len(r.spans) // they grow as the buffer does
	}
	if r.Grow != nil && n != r.charged {
		if err := r.Grow(n-r.charged, must); err != nil {
			return err
		}
	}
	r.charged = n
	return nil
}

func (r *Reader) resize(n int) {
	grown := make([]byte, n)
	copy(grown, r.buf[:r.end])
	r.buf = grown
}

// rebase notes that what was at start, n bytes, is now at the buffer's begin.
func (r *Reader) rebase(n int) {
	by := r.start
	for i := range r.spans {
		if r.spans[i].from >= 0 {
			r.spans[i].from -= by
			r.spans[i].to -= by
		}
	}
	r.pos -= by
	r.start, r.end = 0, n
}
