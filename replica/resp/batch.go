package resp

import (
	"errors"

	"kvd/replica"
	"kvd/resolve"
)

// refusal is an error in the protocol's words, code first.
type refusal string

func (r refusal) Error() string { return string(r) }

// errorText is what a client is told of a failure.
func errorText(err error) string {
	var r refusal
	switch {
	case errors.As(err, &r):
		return string(r)
	case errors.Is(err, resolve.ErrNotInteger):
		return string(errNotInteger)
	case errors.Is(err, resolve.ErrOverflow):
		return "ERR increment or decrement would overflow"
	case errors.Is(err, replica.ErrBehind):
		return "BEHIND " + err.Error()
	case errors.Is(err, replica.ErrOverloaded), errors.Is(err, ErrDraining):
		return "TRYAGAIN " + err.Error()
	}
	return "ERR " + err.Error()
}

// render writes what a command's requests came to.
type render func(w *Writer, a *answer)

// answer is what a render is given. It is valid for the call.
type answer struct {
	reqs    []*replica.Request
	replies []replica.Reply // one to each request, none an error
	seen    *seen           // what the command's Decide was shown, if it asked for that
	pick    func(key string) bool
}

// seen is what a Decide was shown. It belongs to one request: the core writes it
// while it decides, the connection reads it after the reply.
type seen struct {
	values  [][]byte
	present replica.Present
}

// step is one command of a batch: requests and how to render their replies, or
// bytes written when the command was taken.
type step struct {
	from, to       int // requests
	litFrom, litTo int // bytes of batch.side, if there are no requests
	render         render
	seen           *seen
}

// batch is the commands that go to the engine together. It is used again and
// again: requests beyond len(reqs) are spare ones.
type batch struct {
	steps []step
	reqs  []*replica.Request
	side  Writer
	ans   answer // what the render at hand is given
}

// maxSpare is how many requests a batch keeps for the next one.
const maxSpare = 1024

// request adds one request.
func (b *batch) request() *replica.Request {
	n := len(b.reqs)
	if n < cap(b.reqs) {
		b.reqs = b.reqs[:n+1]
		if b.reqs[n] != nil {
			return b.reqs[n]
		}
	} else {
		b.reqs = append(b.reqs, nil)
	}
	b.reqs[n] = new(replica.Request)
	return b.reqs[n]
}

// cut drops the requests from n on.
func (b *batch) cut(n int) {
	for _, r := range b.reqs[n:] {
		*r = replica.Request{}
	}
	b.reqs = b.reqs[:n]
}

// reset empties the batch and keeps a bounded part of its memory.
func (b *batch) reset() {
	b.cut(0)
	clear(b.steps)
	b.steps, b.side.buf, b.ans = b.steps[:0], b.side.buf[:0], answer{}
	if cap(b.reqs) > maxSpare {
		b.reqs = nil
	}
	if cap(b.steps) > maxSpare {
		b.steps = nil
	}
	if cap(b.side.buf) > idleBuffer {
		b.side.buf = nil
	}
}

// literal adds a step that answers what write writes.
func (b *batch) literal(write func(*Writer)) {
	from := len(b.side.buf)
	write(&b.side)
	b.steps = append(b.steps, step{litFrom: from, litTo: len(b.side.buf)})
}

// render writes the reply of every step in order.
func (b *batch) render(w *Writer, replies []replica.Reply, pick func(string) bool) {
	a := &b.ans
	a.pick = pick
	for i := range b.steps {
		s := &b.steps[i]
		if s.render == nil {
			w.raw(b.side.buf[s.litFrom:s.litTo])
			continue
		}
		a.reqs, a.replies, a.seen = b.reqs[s.from:s.to], replies[s.from:s.to], s.seen
		if err := failed(a.replies); err != nil {
			w.Error(errorText(err))
			continue
		}
		s.render(w, a)
	}
}

// failed is the first reply's failure.
func failed(replies []replica.Reply) error {
	for i := range replies {
		if replies[i].Err != nil {
			return replies[i].Err
		}
	}
	return nil
}
