package answers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"kvd/replica/client"
)

// What an event can say.
const (
	EventLost      = "lost"
	EventRetracted = "retracted" // a survivor turns out to have seen it
	EventMissed    = "missed"    // the reader was too slow for so many
)

// Event is one message of a leader's feed, as it comes. Keys and values that are
// not UTF-8 are in base64.
type Event struct {
	Kind        string  `json:"event"`
	Leader      string  `json:"leader"`
	Resolver    string  `json:"resolver"`
	Serving     bool    `json:"serving"`
	Relation    string  `json:"relation"`
	Key         string  `json:"key"`
	KeyBase64   []byte  `json:"key_base64"`
	Loser       string  `json:"loser"`
	Winner      string  `json:"winner"`
	At          int64   `json:"at"` // nanoseconds of Unix time, by the leader's clock
	AcceptedBy  string  `json:"accepted_by"`
	Value       *string `json:"value"`
	ValueBase64 []byte  `json:"value_base64"`
	Count       int64   `json:"count"`
}

// EventOf is a row of a ledger as an event.
func EventOf(r *Row, leader string) *Event {
	e := &Event{Kind: EventLost, Leader: leader, Resolver: r.Resolver.String(), Serving: r.Told.Field("serving").Truth(), Relation: r.Relation.String(),
		Key: r.Key, Loser: r.Loser.String(), At: int64(r.At.Midpoint()), AcceptedBy: r.Told.Field("leader").Text}
	if !r.Winner.IsZero() {
		e.Winner = r.Winner.String()
	}
	if v := r.Told.Field("value"); !v.IsNull() {
		e.Value = &v.Text
	}
	return e
}

// KeyBytes is the key as it is.
func (e *Event) KeyBytes() string {
	if e.KeyBase64 != nil {
		return string(e.KeyBase64)
	}
	return e.Key
}

// value is what was lost, if it is known.
func (e *Event) ValueBytes() (string, bool) {
	switch {
	case e.ValueBase64 != nil:
		return string(e.ValueBase64), true
	case e.Value != nil:
		return *e.Value, true
	}
	return "", false
}

// Position is which loss it is about.
func (e *Event) Position() (Position, error) {
	if e.Kind != EventLost && e.Kind != EventRetracted {
		return Position{}, fmt.Errorf("an event called %.60q", e.Kind)
	}
	l, err := lossOf(e.Resolver, e.Relation, e.Loser, e.Winner)
	return Position{e.KeyBytes(), l.Loser, l.Resolver}, err
}

// channel is where to listen.
func (q LossQuery) channel() string {
	if q.Resolver != "" {
		return "kvd:losses:all"
	}
	return "kvd:losses"
}

// Takes reports whether the event is asked for.
func (q LossQuery) Takes(e *Event) bool {
	return strings.HasPrefix(e.KeyBytes(), q.Prefix) && (q.Relation == "" || q.Relation == e.Relation) &&
		(q.Resolver == "" || q.Resolver == "all" || q.Resolver == e.Resolver)
}

// maxReported is how many losses are remembered, so that each is news once;
// beyond it the oldest are forgotten, and might be news again.
const maxReported = 100_000

// LossReports is what every leader has said of each loss. A leader may say that a
// write is lost, that it is not after all, and later that it is again: what
// is news is the nth time that the first leader says so, and not the others' nth.
type LossReports struct {
	all   map[Position]*reports
	order []Position // the oldest first
}

// Claim is what a leader says of a loss. Zero: nothing.
type Claim uint8

// The claims: a write is lost, or it is not after all.
const (
	ClaimLost Claim = 1 + iota
	ClaimRetracted
	claims
)

type reports struct {
	by   map[string]*heard
	news [claims]int // how often each claim was news
}

type heard struct {
	last  Claim
	times [claims]int // how often it made each
}

// NewLossReports knows of no loss yet.
func NewLossReports() *LossReports { return &LossReports{all: map[Position]*reports{}} }

// Note notes what a leader says; true if it is news. It forgets the oldest losses beyond
// the bound.
func (s *LossReports) Note(leader string, c Claim, at Position) bool {
	one := s.all[at]
	if one == nil {
		one = &reports{by: map[string]*heard{}}
		s.all[at] = one
		if s.order = append(s.order, at); len(s.order) > maxReported {
			delete(s.all, s.order[0])
			s.order = s.order[1:]
		}
	}
	t := one.by[leader]
	if t == nil {
		t = &heard{}
		one.by[leader] = t
	}
	if t.last == c {
		return false
	}
	t.last = c
	t.times[c]++
	fresh := t.times[c] > one.news[c]
	one.news[c] = max(one.news[c], t.times[c])
	return fresh
}

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
		_ = client.Pause(ctx, retryAfter) // the loop sees that ctx has ended
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
