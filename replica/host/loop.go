package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"kvd/replica"
	"kvd/wallclock"
)

// ErrStopped is answered by a loop that takes nothing more.
var ErrStopped = errors.New("this leader is stopping; try another")

// Clock reads both clocks of the machine.
type Clock interface{ Now() wallclock.Moment }

// Outbox carries messages to peers. Send must not block: what it cannot take it
// drops, and the core ships it again.
type Outbox interface {
	Send(to replica.Leader, m replica.Message)
}

// LoopConfig is what a loop needs beside its pump.
type LoopConfig struct {
	Clock  Clock
	Outbox Outbox
	// Observe is told every event of a cycle after it is durable, on the loop's
	// goroutine; nil: nobody is.
	Observe func(replica.Event)
	// Cycle is told of every commit: how many inputs shared it and how long the
	// sync took; nil: nobody is.
	Cycle func(inputs int, commit time.Duration)
	// QueueInputs bounds what waits for the loop. A client's request beyond it
	// is refused with replica.ErrOverloaded; a peer's message waits.
	QueueInputs int
}

// Loop runs a pump on one goroutine: whatever arrives while a batch is being
// synced shares the next one.
type Loop struct {
	cfg  LoopConfig
	pump *Pump

	mu      sync.Mutex
	room    *sync.Cond // signalled when the queue was drained
	queue   []replica.Input
	spare   []replica.Input
	stopped bool
	err     error

	bell  chan struct{} // something was queued
	done  chan struct{} // the loop has ended
	calls calls
}

// Start runs the loop until Stop.
func Start(pump *Pump, cfg LoopConfig) *Loop {
	if cfg.QueueInputs == 0 {
		cfg.QueueInputs = 65536
	}
	l := &Loop{cfg: cfg, pump: pump, bell: make(chan struct{}, 1), done: make(chan struct{})}
	l.room = sync.NewCond(&l.mu)
	l.queue = append(l.queue, replica.Tick{})
	l.ring()
	go l.run()
	return l
}

// Do hands over requests that arrived together: they share one batch and one
// sync. done is called once with the replies in the requests' order, on the
// loop's goroutine, after everything is durable; it must not block, and the
// replies are valid only until it returns. When Do fails nothing was taken.
func (l *Loop) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	l.mu.Lock()
	switch {
	case l.err != nil:
		l.mu.Unlock()
		return l.err
	case l.stopped:
		l.mu.Unlock()
		return ErrStopped
	case len(l.queue)+len(reqs) > l.cfg.QueueInputs:
		l.mu.Unlock()
		return replica.ErrOverloaded
	}
	l.calls.begin(reqs, done)
	for _, r := range reqs {
		l.queue = append(l.queue, r)
	}
	l.mu.Unlock()
	l.ring()
	return nil
}

// Deliver hands over a peer's message or what became of a peer. It waits while
// the queue is full, which holds the peer back.
func (l *Loop) Deliver(in replica.Input) {
	l.mu.Lock()
	for len(l.queue) >= l.cfg.QueueInputs && !l.stopped && l.err == nil {
		l.room.Wait()
	}
	if !l.stopped && l.err == nil {
		l.queue = append(l.queue, in)
	}
	l.mu.Unlock()
	l.ring()
}

// Stop takes nothing more, finishes what was taken, and ends the loop. Requests
// that still wait for a token are answered with ErrStopped.
func (l *Loop) Stop(ctx context.Context) error {
	l.mu.Lock()
	l.stopped = true
	l.room.Broadcast()
	l.mu.Unlock()
	l.ring()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed when the loop has ended; Err then says why.
func (l *Loop) Done() <-chan struct{} { return l.done }

// Err is what stopped the leader: a disk that fails, or an impossible state.
func (l *Loop) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *Loop) ring() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

// run drains and cycles until stopped.
func (l *Loop) run() {
	defer close(l.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		in, stopped := l.drain()
		wake, err := l.cycle(in)
		if err != nil {
			l.fail(err)
			return
		}
		if stopped { // when it was drained: nothing can have been queued since
			l.calls.abandon(ErrStopped)
			return
		}
		timer.Reset(wake)
		select {
		case <-l.bell:
		case <-timer.C:
			l.push(replica.Tick{})
		}
	}
}

// drain takes all that is queued.
func (l *Loop) drain() ([]replica.Input, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.queue
	l.queue, l.spare = l.spare[:0], in
	l.room.Broadcast()
	return in, l.stopped
}

func (l *Loop) push(in replica.Input) {
	l.mu.Lock()
	l.queue = append(l.queue, in)
	l.mu.Unlock()
}

// cycle is one turn of the pump. It returns how long nothing needs to be done.
func (l *Loop) cycle(in []replica.Input) (time.Duration, error) {
	m := l.cfg.Clock.Now()
	if err := l.pump.Step(m, in...); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := l.pump.Commit(); err != nil {
		return 0, err
	}
	if l.cfg.Cycle != nil {
		l.cfg.Cycle(len(in), time.Since(began))
	}
	out := l.pump.Release()
	l.calls.answer(out.Replies)
	for _, s := range out.Sends {
		l.cfg.Outbox.Send(s.To, s.Message)
	}
	if l.cfg.Observe != nil {
		for _, e := range out.Events {
			l.cfg.Observe(e)
		}
	}
	clear(in)
	return max(time.Millisecond, out.Wake.Sub(m.Mono)), nil
}

// fail ends the loop for good.
func (l *Loop) fail(err error) {
	l.mu.Lock()
	l.err, l.stopped = err, true
	l.room.Broadcast()
	l.mu.Unlock()
	l.calls.abandon(err)
}

// calls matches replies with the calls that wait for them.
type calls struct {
	mu   sync.Mutex
	next uint64
	open map[uint64]*call // by the ID of each request
	free []*call
}

// call is one Do that waits.
type call struct {
	first   uint64
	left    int
	replies []replica.Reply
	done    func([]replica.Reply)
}

// begin numbers the requests of one call.
func (c *calls) begin(reqs []*replica.Request, done func([]replica.Reply)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[uint64]*call{}
	}
	k := c.take(len(reqs))
	k.first, k.done = c.next+1, done
	for _, r := range reqs {
		c.next++
		r.ID = c.next
		c.open[r.ID] = k
	}
}

// take is a call with room for n replies.
func (c *calls) take(n int) *call {
	k := &call{}
	if last := len(c.free) - 1; last >= 0 {
		k, c.free = c.free[last], c.free[:last]
	}
	if cap(k.replies) < n {
		k.replies = make([]replica.Reply, n)
	}
	k.replies, k.left = k.replies[:n], n
	return k
}

// answer gives out replies; a call whose last one came is done.
func (c *calls) answer(replies []replica.Reply) {
	for i := range replies {
		if k := c.settle(&replies[i]); k != nil {
			k.done(k.replies)
			c.recycle(k)
		}
	}
}

// settle files one reply and returns its call when nothing is left to wait for.
func (c *calls) settle(r *replica.Reply) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.open[r.ID]
	if k == nil {
		return nil
	}
	delete(c.open, r.ID)
	k.replies[r.ID-k.first] = *r
	k.left--
	if k.left > 0 {
		return nil
	}
	return k
}

func (c *calls) recycle(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(k.replies)
	k.done = nil
	c.free = append(c.free, k)
}

// abandon answers everything that still waits with err.
func (c *calls) abandon(err error) {
	c.mu.Lock()
	var ids []uint64
	for id := range c.open {
		ids = append(ids, id)
	}
	c.mu.Unlock()
	for _, id := range ids {
		c.answer([]replica.Reply{{ID: id, Err: err}})
	}
}
