package host

import (
	"slices"
	"time"

	"kvd/replica"
	"kvd/wallclock"
)

// minRest keeps a core that always wants to be woken at once from taking the
// whole machine.
const minRest = 100 * time.Microsecond

// run drains and cycles until stopped. While a batch is being synced what arrives is
// stepped into the next one, which is written once the sync has ended.
func (l *Loop) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		items, stopped := l.drain()
		err := l.cycle(items)
		for err == nil && stopped && !l.queues.waiting() && l.flight.syncing > 0 {
			err = l.landed(<-l.flight.done)
		}
		switch {
		case err == nil && l.queues.waiting():
			continue
		case stopped, err != nil && !stillReads(err): // when it was drained: nothing can have been queued since
			l.end(err)
			return
		case err == nil:
			err = l.await(timer)
		}
		if err != nil {
			l.halt(err)
			return
		}
	}
}

// await waits for something to do, and goes on meanwhile with what a sync has covered.
func (l *Loop) await(timer *time.Timer) error {
	for {
		timer.Reset(max(minRest, l.pump.wake.Sub(l.moment.Mono)))
		select {
		case <-l.wake:
			return nil
		case <-timer.C:
			return nil
		case done := <-l.flight.done:
			if err := l.landed(done); err != nil {
				return err
			}
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

// cycle is one turn of the pump: what was drained is stepped, and written unless a sync
// is under way whose end it can wait for.
func (l *Loop) cycle(items []item) error {
	for i := range items {
		if items[i].call != nil {
			l.pending.add(items[i].call)
		}
	}
	left := l.queues.inputs
	l.queues.add(items)
	m, inputs, err := l.step(l.queues.next())
	if err != nil {
		return err
	}
	l.recount(l.queues.inputs - left)
	l.counters.cycle(inputs)
	l.moment, l.flight.staged = m, true
	switch {
	case l.flight.syncing == 0:
		return l.write()
	case l.pump.made() >= cycleBytes:
		return l.landed(<-l.flight.done)
	}
	return nil
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
	i, touched := 0, 0
	for ; i < len(items) && l.pump.made() < cycleBytes; i++ {
		if i == touched {
			touched += l.pump.touch(items[i:])
		}
		if i > 0 {
			m = l.cfg.Clock.Now()
		}
		switch it := &items[i]; {
		case it.err != nil:
			return m, inputs, it.err
		case it.mend != nil && err == nil:
			inputs++
			err = l.mend(m, it.mend)
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

// release shows the n oldest batches, which are durable now, and lets out what they made.
func (l *Loop) release(n int, sync time.Duration) {
	ops, took := 0, sync
	for range n {
		out, w := l.pump.Publish(), l.flight.written[0]
		l.flight.written = slices.Delete(l.flight.written, 0, 1)
		l.status.Store(w.status)
		stored := opsIn(out.Puts)
		if ops += stored; len(out.Puts) > 0 {
			took += w.took
		}
		l.let(out)
		for _, done := range w.mended {
			done()
		}
	}
	if l.cfg.Published != nil {
		l.cfg.Published()
	}
	l.counters.commit.Add(int64(took))
	if l.cfg.Cycle != nil && took > 0 {
		l.cfg.Cycle(ops, took)
	}
}

// let lets out what is durable.
func (l *Loop) let(out *replica.Output) {
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
	close(l.flight.begin)
	l.flight.ended.Wait()
	l.pump.overlay.Drop()
	l.pump.committed.Close()
	for i := range left {
		if left[i].call != nil {
			l.pending.add(left[i].call)
		}
	}
	l.pending.abandon(l.ended())
	close(l.done)
}
