package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A leader that reads its whole log for an answer takes as long as the log is. It
// is waited for as long as it gets on, and says how far it is when it is asked
// beside.

const (
	pollEvery  = time.Second     // between two polls of how far a leader is
	pollFor    = 5 * time.Second // how long a poll may take
	stallAfter = time.Minute     // how long a leader may get no further
	unlimited  = time.Duration(1) << 62
)

// LongAsk is a question for which leaders read their whole logs.
type LongAsk struct {
	Words []string
	Limit time.Duration                  // of the answer; zero: as long as the leader gets on
	Told  func(l *Leader, percent int64) // hears how far a leader is, at every poll; nil: nobody

	every, stall time.Duration // pollEvery and stallAfter, but for tests
}

// To puts it to one leader. The error is a *Refusal; where no answer came it says how
// far the leader was, and wraps context.DeadlineExceeded.
func (q LongAsk) To(ctx context.Context, l *Leader) (Answer, error) {
	if q.every == 0 {
		q.every, q.stall = pollEvery, stallAfter
	}
	asking, stop := context.WithCancelCause(ctx)
	w := &progress{ask: &q, l: l, stop: stop, over: make(chan struct{})}
	go w.watch(asking)
	limit := q.Limit
	if limit == 0 {
		limit = unlimited
	}
	began := time.Now()
	alone := &Leader{Node: l.Node, options: l.options, rdb: l.single(asking)} // what it waits for, ends with the asking
	defer alone.rdb.Close()
	r, err := alone.within(asking, limit, q.Words...)
	why := context.Cause(asking)
	stop(nil)
	<-w.over
	if err != nil {
		if _, answers := Said(err); answers || ctx.Err() != nil || !Late(err) && !errors.Is(why, errStalled) {
			return Answer{}, err
		}
		return Answer{}, w.explain(why, time.Since(began))
	}
	v, err := ResponderOf(l, q.Words[0], r)
	return Answer{v, r}, err
}

// errStalled is why a leader is given up that gets no further.
var errStalled = errors.New("it gets no further")

type progress struct {
	ask  *LongAsk
	l    *Leader
	stop context.CancelCauseFunc
	over chan struct{} // closed when nobody polls any more

	done, steps int64 // what it said last: percent, and a number that grows while it works
	told        bool  // it has said anything
}

// watch polls until ctx ends, and gives up on a leader that gets no further. One
// that cannot say how far it is has as long in all.
func (p *progress) watch(ctx context.Context) {
	defer close(p.over)
	tick := time.NewTicker(p.ask.every)
	defer tick.Stop()
	for moved := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p.poll(ctx) {
			moved = time.Now()
		}
		if time.Since(moved) > p.ask.stall && p.ask.Limit == 0 {
			p.stop(errStalled)
			return
		}
		if p.told && p.ask.Told != nil {
			p.ask.Told(p.l, p.done)
		}
	}
}

// poll reports whether the leader has got further since the last one.
func (p *progress) poll(ctx context.Context) bool {
	r, err := p.l.within(ctx, pollFor, "KVD.AUDIT", "PROGRESS")
	if err != nil || !r.Field("running").Truth() {
		return false
	}
	done, steps := 100*r.Field("done").Int/max(1, r.Field("of").Int), r.Field("steps").Int
	moved := !p.told || steps != p.steps
	p.done, p.steps, p.told = done, steps, true
	return moved
}

// explain says of what was not answered how far it was.
func (p *progress) explain(why error, after time.Duration) error {
	at := "it does not say how far it was"
	if p.told {
		at = fmt.Sprintf("it was at %d %%", p.done)
	}
	text := fmt.Sprintf("no answer in %s: %s", after.Round(100*time.Millisecond), at)
	if errors.Is(why, errStalled) {
		text += fmt.Sprintf(", and got no further for %s", p.ask.stall)
	}
	if p.ask.Words[0] == "KVD.AUDIT" {
		text += "; a part takes less: --sample 100, --prefix TEXT"
	}
	return &Refusal{p.l, p.ask.Words[0], slow{text}}
}

// slow is no answer in time, told with how far the leader was.
type slow struct{ Text string }

func (s slow) Error() string { return s.Text }
func (s slow) Unwrap() error { return context.DeadlineExceeded }
