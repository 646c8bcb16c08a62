package server

import (
	"errors"
	"slices"
	"strconv"

	"kvd/replica"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/budget"
)

// A batch is handed to the engine as a whole. Its replies hold values until the
// client has taken them, so they share a budget: what a connection has at once, or what
// it has waited for. Requests beyond the budget were not done, and are handed over
// again when the replies before them have left. So a pipeline of any length holds no
// more than one large value at a time.

const (
	// usualBytes is the budget of most batches, taken from the memory of all clients where there is
	// any; minBytes is what a batch has otherwise.
	usualBytes, minBytes = 256 << 10, 16 << 10
	// largeMade is from what its last call made on that a connection is expected to
	// go on so.
	largeMade = 256 << 10
)

type flight struct {
	budget  replica.Budget
	scratch replica.Scratch // for what the replies show
	bytes   int64           // of the budget, taken from the memory of all clients or not
	taken   int64           // of the memory of all clients, for values and requests
	lost    bool            // the connection was cut, and the engine has requests, budget and replies for ever
	asked   int             // how many requests the last call had
	again   []int           // the requests that are handed over again
	subset  []*replica.Request
}

func (c *conn) flush() {
	b := &c.pending
	if len(b.Steps) == 0 {
		return
	}
	began := c.srv.cfg.Now()
	if c.fly(b) {
		c.countDone(c.timed(began, func() []string { return slowArgs(b) }))
		c.forget()
		b.Reset()
	}
}

// fly does the batch and renders its replies, in order; false: the connection was
// cut while the engine had it.
func (c *conn) fly(b *batch.Batch) bool {
	defer c.land()
	if err := c.prepare(b, false); err != nil {
		b.Refuse(c.out, err)
		return true
	}
	err := c.submit(b)
	for from := 0; ; {
		if errors.Is(err, budget.ErrCut) {
			return false
		}
		at := b.Render(c.out, c.replies, from, c.srv.cfg.PickSiblings)
		if at == len(b.Steps) {
			return true
		}
		b.Written(c.replies, at)
		if at == from && !c.enlarge(b, at) {
			if at++; at == len(b.Steps) {
				return true
			}
		}
		from, err = at, c.resubmit(b, at)
	}
}

// prepare takes memory for the batch's replies and, where they are many, for its
// requests. Whole says that it cannot be done in parts.
func (c *conn) prepare(b *batch.Batch, whole bool) error {
	f := &c.flight
	n := b.Cost(c.srv.cfg.Limits.Requests)
	if whole {
		n = max(0, n-c.tx.held) // it was taken as the transaction was made
	}
	if n > usualBytes {
		if can := c.srv.budget.Grantable(); n > can {
			return resp.Refuse("ERR", "%d keys at once take %d bytes while they are under way, and clients can be given %d (--client-memory); split the command, and nothing of it was done", len(b.Requests), n, can)
		}
		if err := c.claim(n); err != nil {
			return err
		}
	} else if n > minBytes {
		c.account.Charge(n)
		f.taken += n
	}
	f.budget, f.bytes = replica.Budget{Each: whole, Large: f.budget.Made > largeMade, Scratch: &f.scratch}, minBytes
	switch {
	case !shows(b.Requests):
	case whole:
		n := min(2*batch.MaxHeld, c.srv.budget.Grantable()/4)
		if err := c.claim(n); err != nil {
			return err
		}
		f.bytes = n
	case c.account.Try(usualBytes):
		f.taken, f.bytes = f.taken+usualBytes, usualBytes
	}
	f.budget.Bytes = f.bytes
	return nil
}

// claim waits for n bytes that are the flight's until it lands.
func (c *conn) claim(n int64) error {
	err := c.account.Reserve(n, c.srv.cfg.Arrive)
	if err == nil {
		c.flight.taken += n
	}
	return err
}

func (c *conn) land() {
	f := &c.flight
	c.account.Release(f.taken)
	if f.taken, f.bytes = 0, 0; f.lost {
		return
	}
	clear(f.subset)
	if f.subset, f.again = f.subset[:0], f.again[:0]; cap(f.subset) > batch.MaxSpare {
		f.subset, f.again = nil, nil
	}
}

// shows reports whether replies may hold values that are not the requests' own.
func shows(reqs []*replica.Request) bool {
	return slices.ContainsFunc(reqs, func(q *replica.Request) bool {
		return q.Verb == replica.Get && !q.Whether || q.Verb == replica.Update
	})
}

// enlarge finds more memory for the step at hand, which found too little with nothing
// before it; false: it was answered.
func (c *conn) enlarge(b *batch.Batch, at int) bool {
	f, s := &c.flight, &b.Steps[at]
	if f.budget.Need == 0 { // what was made is enough for one call, and something was
		return true
	}
	several, limit := s.Values && s.To-s.From > 1, min(batch.MaxHeld, c.srv.budget.Grantable()/4)
	if several && f.bytes >= limit {
		if err := c.stream(b.Requests[s.From:s.To]); err != nil {
			c.out.Error(batch.ErrorText(err))
		}
		return false
	}
	n := f.bytes - f.budget.Bytes + f.budget.Need // what was taken already, and what was missing
	if several {
		n = max(n, limit)
	}
	c.account.Release(f.taken)
	f.taken = 0
	err := c.out.Flush()
	switch can := c.srv.budget.Grantable(); {
	case err != nil:
	case n > can:
		err = resp.Error("ERR what the key shows takes " + strconv.FormatInt(n, 10) + " bytes, and clients can be given " + strconv.FormatInt(can, 10) +
			" (--client-memory); SET or DEL it, which go over all of it, or read it at a leader that gives more")
	default:
		err = c.claim(n)
	}
	if err != nil {
		c.out.Error(batch.ErrorText(err))
		return false
	}
	f.bytes = n
	return true
}

// submit asks the engine and waits until c.replies are there. If the engine
// takes nothing, every reply is its error, which is also returned. After
// budget.ErrCut requests and replies are still the engine's: the batch forgets the
// ones, and nobody may touch the others.
func (c *conn) submit(b *batch.Batch) error {
	n := len(b.Requests)
	if n == 0 {
		return nil
	}
	c.forget()
	if cap(c.replies) < n {
		c.replies = make([]replica.Reply, 0, n)
	}
	c.replies, c.flight.again = c.replies[:n], c.flight.again[:0]
	return c.ask(b, b.Requests)
}

// resubmit hands over again what was not done, from the step at on. Of a step that
// only reads all is read again: it shows one moment.
func (c *conn) resubmit(b *batch.Batch, at int) error {
	f := &c.flight
	f.again, f.subset = f.again[:0], f.subset[:0]
	f.budget.Bytes, f.budget.Need, f.budget.Vain = f.bytes, 0, 0
	f.budget.Made, f.budget.Large = 0, f.budget.Large || f.budget.Made > largeMade
	for i := range b.Steps[at:] {
		s := &b.Steps[at+i]
		for j := s.From; j < s.To; j++ {
			if i == 0 && s.Values || errors.Is(c.replies[j].Err, replica.ErrBudget) {
				c.replies[j] = replica.Reply{}
				f.again, f.subset = append(f.again, j), append(f.subset, b.Requests[j])
			}
		}
	}
	if len(f.subset) == 0 {
		return nil
	}
	return c.ask(b, f.subset)
}

// ask makes one call of the engine and waits for it.
func (c *conn) ask(b *batch.Batch, reqs []*replica.Request) error {
	n := len(reqs)
	c.flight.asked = n
	base := c.srv.requests.Add(uint64(n)) - uint64(n)
	for i, r := range reqs {
		r.ID, r.Budget = base+uint64(i)+1, &c.flight.budget
	}
	c.srv.stats.Batches.Add(1)
	if err := c.srv.engine.Do(reqs, c.done); err != nil {
		for i := range n {
			*c.replyOf(i) = replica.Reply{Err: err}
		}
		return err
	}
	select {
	case <-c.ready: // most reads are answered by now
	default:
		select {
		case <-c.ready:
		case <-c.severed:
			*b, c.flight.lost, c.closing = batch.Batch{}, true, true
			return budget.ErrCut
		}
	}
	c.note()
	return nil
}

// replyOf is where the i-th reply to the last call goes.
func (c *conn) replyOf(i int) *replica.Reply {
	if len(c.flight.again) > 0 {
		i = c.flight.again[i]
	}
	return &c.replies[i]
}

// finish is called by the engine. The replies are lent, so they are copied.
func (c *conn) finish(replies []replica.Reply) {
	if len(replies) != c.flight.asked {
		panic("resp: the engine answered a different number of requests than it was given")
	}
	if len(c.flight.again) == 0 {
		copy(c.replies, replies)
	} else {
		for i := range replies {
			*c.replyOf(i) = replies[i]
		}
	}
	c.ready <- struct{}{}
}

// note remembers the last write.
func (c *conn) note() {
	for i := len(c.replies) - 1; i >= 0; i-- {
		if d := c.replies[i].Dot; !d.IsZero() {
			c.wrote = d
			return
		}
	}
}

// forget lets go of the replies: what they point to can be large.
func (c *conn) forget() {
	c.flight.scratch.Reset()
	clear(c.replies)
	if c.replies = c.replies[:0]; cap(c.replies) > batch.MaxSpare {
		c.replies = nil
	}
}

// grow is what the reader asks before it holds more.
func (c *conn) grow(n int, must bool) error {
	bytes := int64(n)
	switch {
	case n <= 0:
		c.account.Release(-bytes)
		return nil
	case must:
		return c.account.Reserve(bytes, c.srv.cfg.Arrive)
	case !c.account.Try(bytes):
		return budget.ErrFull
	}
	return nil
}

// trim gives spare memory back where memory is short, and counts what is left.
func (c *conn) trim() {
	if c.srv.budget.Pressed() {
		c.out.Shrink()
		c.pending.Shrink()
		c.replies = nil
	}
	spare := int64(c.out.Cap()) + int64(c.pending.Side.Cap()) + int64(cap(c.pending.Requests)+cap(c.replies))*batch.RequestBytes/2
	c.account.Charge(spare - c.spare)
	c.spare = spare
}
