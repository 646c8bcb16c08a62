package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/cmd/internal/cliutil"
)

// again is how long to wait before a leader is tried again.
const again = 500 * time.Millisecond

// behindNow is how far before the last event a leader is asked again for what was
// missed: events come in the order of the leader's log, and its clock may be set
// back a little between two.
const behindNow = int64(time.Minute)

// ear is what one listener knows. Its goroutine alone uses it.
type ear struct {
	by     *leader
	name   string // as the leader calls itself
	since  int64  // by its clock: what was decided before has been told; zero: nothing has
	spoken bool   // run has had its first word
	away   bool   // run knows that the leader is away
}

// listen tells what one leader says until ctx ends, or there is no use in it.
func (f *follower) listen(ctx context.Context, l *leader) {
	e := &ear{by: l, name: l.Name}
	for ctx.Err() == nil {
		err := &refusal{l, "SUBSCRIBE", f.attend(ctx, e)}
		code, _ := judgeAll(err.err)
		useless := code != cliutil.Unreachable
		if useless || !e.away {
			f.send(ctx, e, news{by: l, away: err, ended: useless})
		}
		if useless {
			return
		}
		e.away = true
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// judgeAll is the exit code that an error of a leader's comes to.
func judgeAll(err error) (code int, next string) {
	var said redis.Error
	if errors.As(err, &said) {
		return judge(said.Error(), "SUBSCRIBE")
	}
	if code, next = lost(err); code == cliutil.Failed {
		code = cliutil.Unreachable // the connection broke in a way nobody has a word for
	}
	return code, next
}

// send tells run, which after the first word hears nothing until all have spoken.
func (f *follower) send(ctx context.Context, e *ear, n news) {
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

// attend subscribes, tells what there is, and then what is said, until that
// fails.
func (f *follower) attend(ctx context.Context, e *ear) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rdb := f.client(ctx, e.by)
	defer rdb.Close()
	sub := rdb.Subscribe(ctx)
	defer sub.Close()
	greeting, stop := context.WithTimeout(ctx, f.k.timeout) // who takes connections may be paused all the same
	err := sub.Subscribe(greeting, f.want.channel())
	if stop(); err != nil {
		return err
	}
	if _, err := sub.ReceiveTimeout(ctx, f.k.timeout); err != nil {
		return err
	}
	if err := f.gap(ctx, e, e.away); err != nil {
		return err
	}
	e.away = false
	return f.hearAll(ctx, e, sub)
}

// client is for one attempt. Its connections end with ctx whatever they wait for:
// while one is greeted, closing the subscription would wait as well.
func (f *follower) client(ctx context.Context, l *leader) *redis.Client {
	opts := f.k.options(l.Addr)
	dial := redis.NewDialer(opts)
	opts.Dialer = func(dialing context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(dialing, network, addr)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // what it waits for, fails
		}
		return conn, err
	}
	return redis.NewClient(opts)
}

// hearAll tells what is said. A leader that says nothing is asked whether it is
// there.
func (f *follower) hearAll(ctx context.Context, e *ear, sub *redis.PubSub) error {
	for asked := false; ; {
		said, err := sub.ReceiveTimeout(ctx, f.k.timeout)
		switch {
		case err == nil:
			asked = false
		case late(err) && !asked && ctx.Err() == nil:
			if err := sub.Ping(ctx); err != nil {
				return err
			}
			asked = true
			continue
		default:
			return err
		}
		if m, ok := said.(*redis.Message); ok {
			if err := f.relay(ctx, e, m.Payload); err != nil {
				return err
			}
		}
	}
}

// relay tells one event. After a gap the ledger says what was missed.
func (f *follower) relay(ctx context.Context, e *ear, payload string) error {
	var got event
	if err := json.Unmarshal([]byte(payload), &got); err != nil {
		return fmt.Errorf("an event cannot be read: %w", err)
	}
	if got.Leader == "" {
		got.Leader = e.name
	}
	if got.At > 0 {
		e.since = max(e.since, got.At-behindNow)
	}
	f.send(ctx, e, news{by: e.by, event: &got})
	if got.Event == eventMissed {
		return f.gap(ctx, e, false)
	}
	return nil
}

// gap asks for what there is: at first what the user wants of it, and later all
// that is newer than what has been told.
func (f *follower) gap(ctx context.Context, e *ear, back bool) error {
	var g listing
	var err error
	if e.since == 0 {
		g, err = f.k.ledgerOf(f.want)(e.by)
	} else {
		want := f.want
		want.limit = 0
		g, err = f.k.pages(e.by, want, e.since)
	}
	if err != nil {
		var r *refusal
		if errors.As(err, &r) {
			return r.err
		}
		return err
	}
	e.name, e.since = g.name, max(e.since, g.now-behindNow)
	f.send(ctx, e, news{by: e.by, ledger: &g, back: back})
	return nil
}
