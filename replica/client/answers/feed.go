package answers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"kvd/replica/client"
)

// Feed is losses as leaders tell of them, from several leaders at once. Each leader is
// listened to first and asked for its ledger afterwards, so nothing falls between; one
// that goes away is tried again, and asked for what was missed.
type Feed struct {
	query   LossQuery
	news    chan News
	start   chan struct{} // closed when all first news may be followed by others
	running sync.WaitGroup
}

// News is what a leader's listener tells. One of ledger, event and away is set.
type News struct {
	By     *client.Leader
	Ledger *Listing // what there is, once it listens, and again after a gap
	Back   bool     // after it was away
	Event  *Event
	Away   error // it is not listened to, for now
	Ended  bool  // nor will it be
}

// Follow listens to all leaders until ctx ends. Each sends one piece of news, what there
// is or that it is away; others follow after begin.
func Follow(ctx context.Context, leaders []*client.Leader, q LossQuery) *Feed {
	f := &Feed{query: q, news: make(chan News), start: make(chan struct{})}
	for _, l := range leaders {
		f.running.Go(func() { f.listen(ctx, l) })
	}
	return f
}

// All is where news come from.
func (f *Feed) All() <-chan News { return f.news }

// Begin lets news follow the first of each leader.
func (f *Feed) Begin() { close(f.start) }

// Wait waits until nobody listens any more, which ctx has to end.
func (f *Feed) Wait() { f.running.Wait() }

// retryAfter is how long to wait before a leader is tried again.
const retryAfter = 500 * time.Millisecond

// overlap is how far before the last event a leader is asked again for what was
// missed, in nanoseconds: events come in the order of the leader's log, and its clock
// may be set back a little between two.
const overlap = int64(time.Minute)

// listener is what is known of one leader. Its goroutine alone uses it.
type listener struct {
	by     *client.Leader
	name   string // as the leader calls itself
	since  int64  // by its clock: what was decided before has been told; zero: nothing has
	spoken bool   // its first news was sent
	away   bool   // that it is away was sent
}

// listen tells what one leader says until ctx ends, or there is no use in it.
func (f *Feed) listen(ctx context.Context, l *client.Leader) {
	e := &listener{by: l, name: l.Name}
	for ctx.Err() == nil {
		err := client.NewRefusal(l, "SUBSCRIBE", f.attend(ctx, e))
		useless := hopeless(err)
		if useless || !e.away {
			f.send(ctx, e, News{By: l, Away: err, Ended: useless})
		}
		if useless {
			return
		}
		e.away = true
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}
}

// hopeless reports whether there is no use in trying again. A connection that broke in a
// way nobody has a word for may be made again.
func hopeless(err error) bool {
	if _, answers := client.Said(err); answers {
		return !client.Busy(err)
	}
	return client.Distrusted(err)
}

// send tells news, of which the second waits until begin.
func (f *Feed) send(ctx context.Context, e *listener, n News) {
	if e.spoken {
		select {
		case <-f.start:
		case <-ctx.Done():
			return
		}
	}
	e.spoken = true
	select {
	case f.news <- n:
	case <-ctx.Done():
	}
}

// attend subscribes, tells what there is, and then what is said, until that fails.
func (f *Feed) attend(ctx context.Context, e *listener) error {
	sub, err := e.by.Subscribe(ctx, f.query.channel())
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := f.gap(ctx, e, e.away); err != nil {
		return err
	}
	e.away = false
	for {
		payload, err := sub.Next(ctx)
		if err == nil {
			err = f.relay(ctx, e, payload)
		}
		if err != nil {
			return err
		}
	}
}

// relay tells one event. After a gap the ledger says what was missed.
func (f *Feed) relay(ctx context.Context, e *listener, payload string) error {
	var got Event
	if err := json.Unmarshal([]byte(payload), &got); err != nil {
		return fmt.Errorf("an event cannot be read: %w", err)
	}
	if got.Leader == "" {
		got.Leader = e.name
	}
	if got.At > 0 {
		e.since = max(e.since, got.At-overlap)
	}
	f.send(ctx, e, News{By: e.by, Event: &got})
	if got.Kind == EventMissed {
		return f.gap(ctx, e, false)
	}
	return nil
}

// gap asks for what there is: at first what is asked for of it, and later all that is
// newer than what has been told.
func (f *Feed) gap(ctx context.Context, e *listener, back bool) error {
	var g Listing
	var err error
	if e.since == 0 {
		g, err = f.query.To(ctx, e.by)
	} else {
		all := f.query
		all.Limit = 0
		g, err = all.pages(ctx, e.by, e.since)
	}
	if err != nil {
		if r, ok := errors.AsType[*client.Refusal](err); ok {
			return r.Err
		}
		return err
	}
	e.name, e.since = g.Name, max(e.since, g.now-overlap)
	f.send(ctx, e, News{By: e.by, Ledger: &g, Back: back})
	return nil
}
