package host

import (
	"time"

	"kvd/replica"
	"kvd/wallclock"
)

// minRest keeps a core that always wants to be woken at once from taking the
// whole machine.
const minRest = 100 * time.Microsecond

// run drains and cycles until stopped.
func (l *Loop) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		items, stopped := l.drain()
		rest, err := l.cycle(items)
		switch {
		case err == nil && l.queues.waiting():
			continue
		case stopped, err != nil && !stillReads(err): // when it was drained: nothing can have been queued since
			l.end(err)
			return
		case err != nil:
			l.halt(err)
			return
		}
		timer.Reset(rest)
		select {
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// drain takes all that is queued.
func (l *Loop) drain() ([]item, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	items := l.queue
	l.queue, l.spare, l.queued = l.spare[:0], items, l.queues.inputs
	l.drained.Broadcast()
	return items, l.stopped
}

// cycle is one turn of the pump. It returns how long nothing needs to be done.
func (l *Loop) cycle(items []item) (time.Duration, error) {
	for i := range items {
		if items[i].call != nil {
			l.pending.add(items[i].call)
		}
	}
	left := l.queues.inputs
	l.queues.add(items)
	m, inputs, err := l.step(l.queues.next())
	if err != nil {
		return 0, err
	}
	l.recount(l.queues.inputs - left)
	if err := l.tellUnderway(m); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := l.pump.Commit(); err != nil {
		return 0, err
	}
	took := time.Since(began)
	l.publishStatus()
	out := l.pump.Release()
	ops := opsIn(out.Puts)
	l.release(out)
	l.counters.cycle(inputs, took)
	if l.cfg.Cycle != nil && len(out.Puts) > 0 {
		l.cfg.Cycle(ops, took)
	}
	return max(minRest, l.pump.out.Wake.Sub(m.Mono)), nil
}

// tellUnderway lets the core know what is on its way to peers that it would ship to
// again.
func (l *Loop) tellUnderway(m wallclock.Moment) error {
	if l.cfg.Underway == nil {
		return nil
	}
	l.stalled = l.pump.core.Stalled(m.Mono, l.stalled[:0])
	for _, p := range l.stalled {
		if n := l.cfg.Underway(p); n > 0 {
			if err := l.pump.Step(m, replica.Underway{Peer: p, Bytes: n}); err != nil {
				return err
			}
		}
	}
	return nil
}

// recount counts what still waits though it was drained, n inputs more than before,
// among what is queued.
func (l *Loop) recount(n int) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	l.queued += n
	l.drained.Broadcast()
	l.mu.Unlock()
}

// opsIn counts the ops among what is stored.
func opsIn(puts []replica.Put) (n int) {
	for _, p := range puts {
		if _, ok := p.(replica.PutOp); ok {
			n++
		}
	}
	return n
}

// step feeds the pump, until the cycle makes as much as one may. The clocks are read for whatever arrived together: a
// cycle can be long, and what came last should not be stamped as if it came first.
func (l *Loop) step(items []item) (m wallclock.Moment, inputs int, err error) {
	m = l.cfg.Clock.Now()
	feed := func(in replica.Input) {
		if err == nil {
			inputs++
			err = l.pump.Step(m, in)
		}
	}
	i := 0
	for ; i < len(items) && l.pump.made() < cycleBytes; i++ {
		if i > 0 {
			m = l.cfg.Clock.Now()
		}
		switch it := &items[i]; {
		case it.err != nil:
			return m, inputs, it.err
		case it.call == nil:
			feed(it.in)
		default:
			for _, r := range it.call.reqs {
				feed(r)
			}
		}
	}
	l.queues.remove(i)
	if inputs == 0 {
		feed(replica.Tick{})
	}
	return m, inputs, err
}

// release lets out what is durable now.
func (l *Loop) release(out *replica.Output) {
	l.pending.answer(out.Replies)
	for _, s := range out.Sends {
		l.cfg.Outbox.Send(s.To, s.Message)
	}
	if l.cfg.Credit != nil {
		for _, c := range out.Credits {
			l.cfg.Credit(c)
		}
	}
	if l.cfg.Observe == nil {
		return
	}
	for _, e := range out.Events {
		l.cfg.Observe(e)
	}
}

// end takes nothing more, waits until nobody reads the store, and answers
// everybody who still waits.
func (l *Loop) end(err error) {
	l.mu.Lock()
	l.err, l.stopped = err, true
	left := l.queue
	l.queue, l.queued = nil, 0
	l.drained.Broadcast()
	l.mu.Unlock()
	close(l.ending)
	l.helpers.Wait()
	l.pump.committed.Close()
	for i := range left {
		if left[i].call != nil {
			l.pending.add(left[i].call)
		}
	}
	l.pending.abandon(l.ended())
	close(l.done)
}
