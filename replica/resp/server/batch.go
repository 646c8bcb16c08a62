package server

import (
	"errors"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/resolve"
)

// ErrorText is what a client is told of a failure.
func ErrorText(err error) string {
	var r resp.Error
	var busy *acl.BusyError
	switch {
	case errors.As(err, &r):
		return string(r)
	case errors.Is(err, resolve.ErrNotInteger):
		return string(resp.ErrNotInteger)
	case errors.Is(err, resolve.ErrOverflow):
		return "ERR increment or decrement would overflow"
	case errors.Is(err, replica.ErrBudget):
		return "ERR the values that this shows are more than may be held together, and it was not done; ask for them in smaller parts"
	case errors.As(err, &busy):
		return "TRYAGAIN " + err.Error()
	case errors.Is(err, errBudget):
		return "TRYAGAIN " + err.Error()
	case errors.Is(err, replica.ErrSiblings):
		return "SIBLINGS " + err.Error()
	case errors.Is(err, replica.ErrBehind):
		return "BEHIND " + err.Error()
	case errors.Is(err, replica.ErrReadOnly):
		return "READONLY " + err.Error()
	case errors.Is(err, replica.ErrOverloaded), errors.Is(err, ErrDraining):
		return "TRYAGAIN " + err.Error()
	}
	return "ERR " + err.Error()
}

// Render writes what a command's requests came to.
type Render func(w *resp.Writer, a *Answer)

// Answer is what a render is given. It is valid for the call.
type Answer struct {
	Requests []*replica.Request
	Replies  []replica.Reply // one to each request, none an error
	Seen     *seen           // what the command's Decide was shown, if it asked for that
	Picks    func(key string) bool
}

// seen is what a Decide was shown. It belongs to one request: the core writes it
// while it decides, the connection reads it after the reply.
type seen struct {
	Values  [][]byte
	Present replica.Present
	Number  int64 // what Decide came to
}

// step is one command of a batch: requests and how to render their replies, or
// bytes written when the command was taken.
type step struct {
	cmd            *Command // nil: it was answered when it was taken
	values         bool     // its requests are Gets whose values it renders
	from, to       int      // requests
	litFrom, litTo int      // bytes of batch.side, if there are no requests
	render         Render
	seen           *seen
	late           func(w *resp.Writer) // of a transaction: answers when all before it is done
	keys           bool                 // late looks at keys: what is behind it is not to be seen
}

// batch is the commands that go to the engine together. It is used again and
// again: requests beyond len(reqs) are spare ones.
type batch struct {
	steps []step
	reqs  []*replica.Request
	side  resp.Writer
	dots  int64  // that the requests' tokens list
	ans   Answer // what the render at hand is given
	// of the keys that were read: how many showed a value, and how many did not
	hits, misses uint64
}

// heavy reports whether the batch holds enough to be handed over before more is
// taken: a few bytes of input can ask for a long answer, or unfold to many dots.
func (b *batch) heavy(l *Limits) bool {
	return b.side.Len() > l.Output || b.dots*dotBytes > largeRoom
}

// shrink lets go of spare memory.
func (b *batch) shrink() {
	if len(b.steps) == 0 {
		b.reqs, b.steps = nil, nil
		b.side.Shrink()
	}
}

// refuse answers every step that asks something with the error.
func (b *batch) refuse(w *resp.Writer, err error) {
	for i := range b.steps {
		if s := &b.steps[i]; s.render == nil && s.late == nil {
			w.Raw(b.side.Bytes()[s.litFrom:s.litTo])
		} else {
			w.Error(ErrorText(err))
		}
	}
}

// maxSpare and maxSpareBytes are how many requests, and bytes of replies, a batch
// retains for the next one.
const maxSpare, maxSpareBytes = 1024, 64 << 10

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
	b.steps, b.dots, b.ans = b.steps[:0], 0, Answer{}
	b.side.Reset(maxSpareBytes)
	b.hits, b.misses = 0, 0
	if cap(b.reqs) > maxSpare {
		b.reqs = nil
	}
	if cap(b.steps) > maxSpare {
		b.steps = nil
	}
}

// literal adds a step that answers what write writes.
func (b *batch) literal(write func(*resp.Writer)) {
	from := b.side.Len()
	write(&b.side)
	n := len(b.reqs)
	b.steps = append(b.steps, step{from: n, to: n, litFrom: from, litTo: b.side.Len()})
}

// render writes the reply of every step in order, from the step from on, up to one
// that found no room; it gives the number of that.
func (b *batch) render(w *resp.Writer, replies []replica.Reply, from int, pick func(string) bool) int {
	a := &b.ans
	a.Picks = pick
	for i := from; i < len(b.steps); i++ {
		s := &b.steps[i]
		if s.late != nil {
			s.late(w)
			continue
		}
		if s.render == nil {
			w.Raw(b.side.Bytes()[s.litFrom:s.litTo])
			continue
		}
		a.Requests, a.Replies, a.Seen = b.reqs[s.from:s.to], replies[s.from:s.to], s.seen
		err := failed(a.Replies)
		if errors.Is(err, replica.ErrBudget) && !a.Requests[0].Budget.Each {
			return i
		}
		if err != nil {
			w.Error(ErrorText(err))
			continue
		}
		b.notice(a)
		s.render(w, a)
	}
	return len(b.steps)
}

// notice counts what was read.
func (b *batch) notice(a *Answer) {
	for i, q := range a.Requests {
		switch {
		case q.Verb != replica.Get:
		case len(a.Replies[i].Shown.Values) > 0:
			b.hits++
		default:
			b.misses++
		}
	}
}

// written lets go of the values of the steps before at.
func (b *batch) written(replies []replica.Reply, at int) {
	clear(replies[:b.steps[at].from])
	for i := range b.steps[:at] {
		b.steps[i].seen = nil
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
