package resp

import (
	"io"

	"kvd/resolve/limits"
)

// A large argument is read into memory of its own, which whoever plans the command may
// keep: neither is it moved about in the input buffer, nor copied for the engine.

const (
	// LargeArg is from which size on an argument has memory of its own.
	LargeArg = 64 << 10
	// spanBytes is what an argument takes beside its bytes.
	spanBytes = 40
)

type bulk struct {
	b    []byte // what has arrived; its capacity grows as it does
	size int    // announced; zero: none is arriving
}

// wantsBulk reports whether the argument at pos is large, and has not wholly arrived:
// all that is behind pos is of it.
func (r *Reader) wantsBulk() bool {
	return r.left > 0 && r.size >= r.from && r.tooLarge == "" && r.bulk.size == 0 && r.end < r.pos+r.size
}

// beginBulk takes what is in the buffer of the large argument at pos. It is asked for as
// a whole.
func (r *Reader) beginBulk() error {
	r.owned += r.size
	if err := r.hold(len(r.buf), true); err != nil {
		return err
	}
	arrived := r.buf[r.pos:r.end]
	r.bulk = bulk{append(make([]byte, 0, min(r.size, max(2*len(arrived), r.from))), arrived...), r.size}
	r.end = r.pos
	return nil
}

// fillBulk reads more of the large argument, and no byte of what follows it. Memory
// grows with what has arrived: an announcement reserves nothing.
func (r *Reader) fillBulk() error {
	g := &r.bulk
	have := len(g.b)
	if have == cap(g.b) {
		grown := make([]byte, have, min(g.size, 4*have))
		copy(grown, g.b)
		g.b = grown
	}
	n, err := r.read(g.b[have:cap(g.b)])
	g.b = g.b[:have+n]
	return err
}

func (r *Reader) read(b []byte) (int, error) {
	n, err := r.src.Read(b)
	switch {
	case n > 0:
		return n, nil
	case err == nil:
		return 0, io.ErrNoProgress
	}
	return 0, err
}

// endBulk makes the argument one of the command's, and reports whether it is whole and
// what ends it has arrived.
func (r *Reader) endBulk() (bool, error) {
	if len(r.bulk.b) < r.bulk.size || r.end < r.pos+2 {
		return false, nil
	}
	if r.buf[r.pos] != '\r' || r.buf[r.pos+1] != '\n' {
		return false, errNoCRLF
	}
	r.spans = append(r.spans, span{-1, len(r.large)})
	r.large = append(r.large, r.bulk.b)
	r.pos, r.size, r.bulk = r.pos+2, -1, bulk{}
	return true, nil
}

// letGo forgets the large arguments of the command at hand: whoever took them has them
// until the next Fill.
func (r *Reader) letGo() {
	r.lent, r.owned, r.bulk = r.lent+r.owned, 0, bulk{}
	r.large = r.large[:0]
}

// takeBack ends the charge for the large arguments that were taken.
func (r *Reader) takeBack() {
	r.lent = 0
	clear(r.args[:cap(r.args)])
	if r.large != nil && len(r.large) == 0 {
		r.large = nil
	}
	_ = r.hold(len(r.buf), true) // less than before
}

// Owned reports whether an argument of the command at hand has memory of its own,
// which the reader does not use again.
func (r *Reader) Owned(i int) bool { return i < len(r.spans) && r.spans[i].from < 0 }

// Arrived is how many bytes of the command at hand there are.
func (r *Reader) Arrived() int {
	return r.passed + r.end - r.start + r.owned - (r.bulk.size - len(r.bulk.b))
}

// What a client may send before it has authenticated, as in Redis.
const (
	UnauthArgs = 10
	UnauthBulk = 16 << 10
)

// Limits bound what a Reader takes for one command. Beyond them the command is
// passed over, or the connection given up where the stream cannot go on.
type Limits struct {
	Args    int // arguments
	Bulk    int // bytes of one argument
	Command int // bytes of all of it
	Inline  int // bytes of one typed as a line
	Input   int // bytes of the input buffer between large commands
}

// DefaultLimits admit the largest value that a leader stores.
func DefaultLimits() Limits {
	return Limits{Args: 1 << 20, Bulk: limits.Value, Command: limits.Request, Inline: 64 << 10, Input: 4 << 10}
}
