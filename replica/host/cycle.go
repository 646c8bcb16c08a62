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
		if err != nil || stopped { // when it was drained: nothing can have been queued since
			l.end(err)
			return
		}
		timer.Reset(rest)
		select {
		case <-l.bell:
		case <-timer.C:
		}
	}
}

// drain takes all that is queued.
func (l *Loop) drain() ([]item, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	items := l.queue
	l.queue, l.spare, l.queued = l.spare[:0], items, 0
	l.room.Broadcast()
	return items, l.stopped
}

// cycle is one turn of the pump. It returns how long nothing needs to be done.
func (l *Loop) cycle(items []item) (time.Duration, error) {
	for i := range items {
		if items[i].call != nil {
			l.desk.open(items[i].call)
		}
	}
	m, inputs, err := l.step(items)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := l.pump.Commit(); err != nil {
		return 0, err
	}
	took := time.Since(began)
	l.stand()
	l.release(l.pump.Release())
	l.tally.cycle(inputs, took)
	if l.cfg.Cycle != nil {
		l.cfg.Cycle(inputs, took)
	}
	clear(items)
	return max(minRest, l.pump.out.Wake.Sub(m.Mono)), nil
}

// step feeds the pump. The clocks are read for whatever arrived together: a
// cycle can be long, and what came last should not be stamped as if it came first.
func (l *Loop) step(items []item) (m wallclock.Moment, inputs int, err error) {
	m = l.cfg.Clock.Now()
	feed := func(in replica.Input) {
		if err == nil {
			inputs++
			err = l.pump.Step(m, in)
		}
	}
	for i := range items {
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
	if inputs == 0 {
		feed(replica.Tick{})
	}
	return m, inputs, err
}

// release lets out what is durable now.
func (l *Loop) release(out *replica.Output) {
	l.desk.answer(out.Replies)
	for _, s := range out.Sends {
		l.cfg.Outbox.Send(s.To, s.Message)
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
	l.room.Broadcast()
	l.mu.Unlock()
	close(l.ending)
	l.helpers.Wait()
	l.pump.shelf.close()
	for i := range left {
		if left[i].call != nil {
			l.desk.open(left[i].call)
		}
	}
	l.desk.abandon(l.ended())
	close(l.done)
}
