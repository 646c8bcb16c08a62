package batch

import (
	"errors"

	"kvd/replica"
	"kvd/replica/resp"
)

// Render writes what a command's requests came to. It may hold what the command's Decide was
// shown: the core writes that while it decides, the connection reads it after the reply.
type Render func(w *resp.Writer, a *Answer)

// Answer is what a render is given. It is valid for the call.
type Answer struct {
	Requests []*replica.Request
	Replies  []replica.Reply // one to each request, none an error
	Picks    func(key string) bool
}

// Step is one command of a batch: requests and how to render their replies, or
// bytes written when the command was taken.
type Step struct {
	Name           string // of the command; empty: it was answered when it was taken
	Values         bool   // its requests are Gets whose values it renders
	From, To       int    // requests
	litFrom, litTo int    // bytes of batch.side, if there are no requests
	Render         Render
	Late           func(w *resp.Writer) // of a transaction: answers when all before it is done
	Keys           bool                 // late looks at keys: what is behind it is not to be seen
}

// Batch is the commands that go to the engine together. It is used again and
// again: requests beyond len(reqs) are spare ones.
type Batch struct {
	Steps    []Step
	Requests []*replica.Request
	Side     resp.Writer
	Dots     int64  // that the requests' tokens list
	ans      Answer // what the render at hand is given
	// of the keys that were read: how many showed a value, and how many did not
	Hits, Misses uint64
}

// Heavy reports whether the batch holds enough to be handed over before more is
// taken: a few bytes of input can ask for a long answer, or unfold to many dots.
func (b *Batch) Heavy(output int) bool {
	return b.Side.Len() > output || b.Dots*DotBytes > MaxHeld
}

// Shrink lets go of spare memory.
func (b *Batch) Shrink() {
	if len(b.Steps) == 0 {
		b.Requests, b.Steps = nil, nil
		b.Side.Shrink()
	}
}

// Refuse answers every step that asks something with the error.
func (b *Batch) Refuse(w *resp.Writer, err error) {
	for i := range b.Steps {
		if s := &b.Steps[i]; s.Render == nil && s.Late == nil {
			w.Raw(b.Side.Bytes()[s.litFrom:s.litTo])
		} else {
			w.Error(ErrorText(err))
		}
	}
}

const (
	// MaxHeld is the most that several values of one command are held in; if they
	// are more they are read one by one, as of one moment.
	MaxHeld = 8 << 20
	// RequestBytes is about what a request and its reply take beside their bytes, and
	// manyBytes what each one beyond Limits.Requests takes more until it is durable: what
	// is handed over at once is one step, and stored at once.
	RequestBytes, manyBytes = 640, 1400
	// DotBytes is what a dot takes.
	DotBytes = 16
)

// MaxSpare and maxSpareBytes are how many requests, and bytes of replies, a batch
// retains for the next one.
const MaxSpare, maxSpareBytes = 1024, 64 << 10

// Request adds one request.
func (b *Batch) Request() *replica.Request {
	n := len(b.Requests)
	if n < cap(b.Requests) {
		b.Requests = b.Requests[:n+1]
		if b.Requests[n] != nil {
			return b.Requests[n]
		}
	} else {
		b.Requests = append(b.Requests, nil)
	}
	b.Requests[n] = new(replica.Request)
	return b.Requests[n]
}

// Cut drops the requests from n on.
func (b *Batch) Cut(n int) {
	for _, r := range b.Requests[n:] {
		*r = replica.Request{}
	}
	b.Requests = b.Requests[:n]
}

// Reset empties the batch and keeps a bounded part of its memory.
func (b *Batch) Reset() {
	b.Cut(0)
	clear(b.Steps)
	b.Steps, b.Dots, b.ans = b.Steps[:0], 0, Answer{}
	b.Side.Reset(maxSpareBytes)
	b.Hits, b.Misses = 0, 0
	if cap(b.Requests) > MaxSpare {
		b.Requests = nil
	}
	if cap(b.Steps) > MaxSpare {
		b.Steps = nil
	}
}

// Literal adds a step that answers what write writes.
func (b *Batch) Literal(write func(*resp.Writer)) {
	from := b.Side.Len()
	write(&b.Side)
	n := len(b.Requests)
	b.Steps = append(b.Steps, Step{From: n, To: n, litFrom: from, litTo: b.Side.Len()})
}

// Error adds a step that answers an error.
func (b *Batch) Error(err error) {
	b.Literal(func(w *resp.Writer) { w.Error(ErrorText(err)) })
}

// Render writes the reply of every step in order, from the step from on, up to one
// that exceeded its budget, and gives the number of that.
func (b *Batch) Render(w *resp.Writer, replies []replica.Reply, from int, pick func(string) bool) int {
	a := &b.ans
	a.Picks = pick
	for i := from; i < len(b.Steps); i++ {
		s := &b.Steps[i]
		if s.Late != nil {
			s.Late(w)
			continue
		}
		if s.Render == nil {
			w.Raw(b.Side.Bytes()[s.litFrom:s.litTo])
			continue
		}
		a.Requests, a.Replies = b.Requests[s.From:s.To], replies[s.From:s.To]
		err := Failed(a.Replies)
		if errors.Is(err, replica.ErrBudget) && !a.Requests[0].Budget.Each {
			return i
		}
		if err != nil {
			w.Error(ErrorText(err))
			continue
		}
		b.notice(a)
		s.Render(w, a)
	}
	return len(b.Steps)
}

func (b *Batch) notice(a *Answer) {
	for i, q := range a.Requests {
		switch {
		case q.Verb != replica.Get:
		case len(a.Replies[i].Shown.Values) > 0:
			b.Hits++
		default:
			b.Misses++
		}
	}
}

// Written lets go of the values of the steps before at.
func (b *Batch) Written(replies []replica.Reply, at int) {
	clear(replies[:b.Steps[at].From])
	for i := range b.Steps[:at] {
		b.Steps[i].Render = nil
	}
}

// Failed is the first reply's failure.
func Failed(replies []replica.Reply) error {
	for i := range replies {
		if replies[i].Err != nil {
			return replies[i].Err
		}
	}
	return nil
}

// Cost is about what the requests take beside their bytes. Usual is how many are handed
// over at once otherwise.
func (b *Batch) Cost(usual int) int64 {
	n := len(b.Requests)
	return int64(n)*RequestBytes + int64(max(0, n-usual))*manyBytes + b.Dots*DotBytes
}
