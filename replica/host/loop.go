package host

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host/internal/pace"
	"kvd/wallclock"
)

// ErrStopped is answered by a loop that takes nothing more.
var ErrStopped = errors.New("this leader is stopping; try another")

// Clock reads both clocks of the machine. It is asked by several goroutines.
type Clock interface{ Now() wallclock.Moment }

// Outbox carries messages to peers. Send must not block: what it cannot take it
// drops, and the core ships it again.
type Outbox interface {
	Send(to replica.Leader, m replica.Message)
}

// LoopConfig is what a loop needs in addition to its pump.
type LoopConfig struct {
	Clock  Clock
	Outbox Outbox
	// Observe is told every event of a cycle after it is durable, on the loop's
	// goroutine; nil: nobody is.
	Observe func(replica.Event)
	// Cycle is told of every commit that stored anything: how many ops shared it
	// and how long it took, its sync included; nil: nobody is.
	Cycle func(ops int, commit time.Duration)
	// Published is told after every batch that was published, on the loop's goroutine, once
	// Status is of it; nil: nobody is. It must not wait.
	Published func()
	// Halted is told once, on the loop's goroutine, when the disk has failed:
	// from then on reads alone are answered, until Stop. Nil: nobody is.
	Halted func(why error)
	// Credit is told how much of what a peer sent is no longer held here, once what
	// was applied of it is durable, on the loop's goroutine; nil: nobody is. Whoever
	// delivers a peer's messages bounds by it what may be sent before.
	Credit func(replica.Credit)
	// Underway is asked, on the loop's goroutine, how many bytes of ops are on their way
	// to a peer that has acknowledged none for a while, so that they are not shipped
	// again; nil: nobody knows.
	Underway func(to replica.Leader) int
	// Held is told how long a call is held because peers fall behind, on the caller's
	// goroutine; nil: nobody is.
	Held func(time.Duration)
	// QueueInputs bounds what waits for the loop. A client's request beyond it
	// is refused with replica.ErrOverloaded; a peer's message waits. Zero: 65536.
	QueueInputs int
	// SweepEvery and SweepKeys say how often the next how many keys are looked
	// through for values of this leader's that have expired. Zero: 100 ms and
	// 1024, about a hundredth of a core while any key has a deadline and nothing
	// while none has. Below zero: never.
	SweepEvery time.Duration
	// Warm says that what is stored is taken into memory after the start, as much as the
	// pump's CacheBytes allow.
	Warm      bool
	SweepKeys int
}

// What zero fields of LoopConfig stand for.
const (
	defaultQueue      = 65536
	minCall           = 4096 // requests of one call that count as many
	defaultSweepEvery = 100 * time.Millisecond
	defaultSweepKeys  = 1024
)

func (c LoopConfig) withDefaults() LoopConfig {
	if c.QueueInputs == 0 {
		c.QueueInputs = defaultQueue
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = defaultSweepEvery
	}
	if c.SweepKeys == 0 {
		c.SweepKeys = defaultSweepKeys
	}
	return c
}

// Loop runs a pump on one goroutine: whatever arrives while a batch is being
// synced shares the next one. Its methods may be called from any goroutine.
type Loop struct {
	cfg  LoopConfig
	pump *Pump

	mu      sync.Mutex
	drained *sync.Cond // signalled when the queue was drained
	queue   []item
	spare   []item
	queued  int // inputs in the queue
	stopped bool
	err     error

	wake     chan struct{} // something was queued
	ending   chan struct{} // closed when no cycle follows: helpers end
	done     chan struct{} // closed when the loop has ended, helpers included
	helpers  sync.WaitGroup
	pending  pending // this and queues are of the loop's goroutine alone
	queues   queues
	stalled  []replica.Leader // scratch
	status   atomic.Pointer[Status]
	counters counters
	flight   flight
	pace     pace.Pace
	moment   wallclock.Moment // of the last step
}

// item is what waits in the queue: a call, an input, an object that is mended, or why the
// leader must stop.
type item struct {
	call *call
	in   replica.Input
	mend *Mend
	err  error
}

// Start runs the loop until Stop. The pump is the loop's until it has ended, and
// nobody else may write to its store.
func Start(pump *Pump, cfg LoopConfig) *Loop {
	l := &Loop{cfg: cfg.withDefaults(), pump: pump,
		wake: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{})}
	l.drained = sync.NewCond(&l.mu)
	l.flight.begin, l.flight.done = make(chan struct{}, 1), make(chan synced, 1)
	l.status.Store(l.statusNow())
	l.flight.ended.Go(l.syncer)
	if l.cfg.SweepEvery > 0 {
		l.helpers.Go(l.sweep)
	}
	if l.cfg.Warm {
		l.helpers.Go(l.warm)
	}
	go l.run()
	return l
}

// Do hands over requests that arrived together: no other comes between them, and
// they share one batch and one sync. When Do fails nothing was taken, and done
// is not called. Otherwise done is called once, with one reply to each request in
// the order of the requests, after everything is durable; it must not block, and
// the slice of replies is valid only until it returns. Until then the requests and
// their slice are the loop's.
//
// Requests that only read what is durable are answered at once, on the caller's
// goroutine, as of one moment; they may overtake calls that are not answered yet.
// All others are answered on the loop's goroutine. Do holds them for some milliseconds
// while peers fall behind (package pace).
func (l *Loop) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	if len(reqs) > 0 && reqs[0].Verb == replica.Get && l.readCommitted(reqs, done) {
		return nil
	}
	l.hold()
	l.mu.Lock()
	err := l.refusal(len(reqs))
	if err == nil && len(reqs) > 0 {
		l.queue = append(l.queue, item{call: newCall(reqs, done)})
		l.queued += len(reqs)
	}
	l.mu.Unlock()
	switch {
	case err != nil:
		return err
	case len(reqs) == 0:
		done(nil)
	default:
		l.notify()
	}
	return nil
}

// hold keeps a call back while peers fall behind.
func (l *Loop) hold() {
	if d := l.pace.Hold(func() wallclock.Mono { return l.cfg.Clock.Now().Mono }); d > 0 {
		if l.cfg.Held != nil {
			l.cfg.Held(d)
		}
		time.Sleep(d)
	}
}

// refusal is why n more requests are not taken. The lock is held.
func (l *Loop) refusal(n int) error {
	switch {
	case l.err != nil:
		return l.err
	case l.stopped:
		return ErrStopped
	case l.queued+min(n, max(minCall, l.cfg.QueueInputs/4)) > l.cfg.QueueInputs: // one call may have more: who makes it bounds it
		return replica.ErrOverloaded
	}
	return nil
}

// readCommitted answers reads from what is durable, if it can.
func (l *Loop) readCommitted(reqs []*replica.Request, done func([]replica.Reply)) bool {
	for _, r := range reqs {
		if r.Verb != replica.Get {
			return false
		}
	}
	k := newCall(reqs, done)
	defer k.recycle()
	if !l.pump.committed.Read(reqs, l.cfg.Clock, k.replies) {
		return false
	}
	l.counters.lockFree.Add(uint64(len(reqs)))
	done(k.replies)
	return true
}

// Deliver hands over a peer's message or what became of a peer. It waits while
// the queue is full, which holds the peer back.
func (l *Loop) Deliver(in replica.Input) {
	l.mu.Lock()
	for l.queued >= l.cfg.QueueInputs && !l.stopped {
		l.drained.Wait()
	}
	l.add(item{in: in})
	l.mu.Unlock()
	l.notify()
}

// RefuseWrites makes the leader answer every write that it has not taken yet with
// replica.ErrReadOnly, until the cause is lifted; reads and replication go on. It
// does not wait.
func (l *Loop) RefuseWrites(why replica.Refusal) { l.push(item{in: replica.RefuseWrites{Why: why}}) }

// AllowWrites lifts a cause that RefuseWrites named. It does not wait.
func (l *Loop) AllowWrites(c replica.Cause) { l.push(item{in: replica.AllowWrites{Cause: c}}) }

// Notify hands over what became known and must not wait.
func (l *Loop) Notify(in replica.Input) { l.push(item{in: in}) }

// push hands over what must not wait.
func (l *Loop) push(it item) {
	l.mu.Lock()
	l.add(it)
	l.mu.Unlock()
	l.notify()
}

func (l *Loop) add(it item) {
	if !l.stopped {
		l.queue = append(l.queue, it)
		l.queued++
	}
}

// Stop takes nothing more, finishes what was taken, and ends the loop. Requests
// that still wait for a token are answered with ErrStopped. After it returned nil
// or the loop's error nobody reads the store any more.
func (l *Loop) Stop(ctx context.Context) error {
	l.mu.Lock()
	l.stopped = true
	l.drained.Broadcast()
	l.mu.Unlock()
	l.notify()
	select {
	case <-l.done:
		return l.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed when the loop has ended; Err then says why.
func (l *Loop) Done() <-chan struct{} { return l.done }

// Err is what stopped the leader: a disk that fails, or an impossible state. After
// the first, reads go on until Stop, and Done is not closed before.
func (l *Loop) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// ended is why nothing more is answered.
func (l *Loop) ended() error {
	if err := l.Err(); err != nil {
		return err
	}
	return ErrStopped
}

func (l *Loop) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Synced is what of the Frontier is durable here, as the store promises it: all of
// it, but under SyncInterval what the last sync covered.
func (l *Loop) Synced() logical.Frontier { return l.pump.Durable() }

// Frontier is what is applied and stored here: at least every op that was ever given
// to the outbox.
func (l *Loop) Frontier() logical.Frontier { return l.status.Load().State.Frontier }
