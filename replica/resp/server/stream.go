package server

import (
	"errors"
	"os"
	"time"

	"kvd/replica"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
)

// tap reads from the client, what was read ahead first, and notes that the connection
// waits for it.
type tap struct{ *conn }

func (t tap) Read(b []byte) (int, error) {
	if n := t.ahead.Take(b); n > 0 {
		return n, nil
	}
	t.account.Waits(t.asks, t.in.Partial() || t.tx.active)
	n, err := t.nc.Read(b)
	t.account.Waits(0, false)
	return n, err
}

// chunk is how much is written at a time: a client that takes that is not still.
const chunk = 256 << 10

// sink sends to the client. Where that must be waited for, what the client sends meanwhile
// is read ahead.
type sink struct{ *conn }

func (s sink) Write(b []byte) (n int, err error) {
	if n = s.direct.Write(b[:min(len(b), chunk)]); n == len(b) {
		return n, nil
	}
	s.ahead.Writing()
	defer s.ahead.Written()
	s.rearm = true // what reads ahead moves the deadline
	for first := true; err == nil && (first || n < len(b)); first = false {
		now := s.srv.cfg.Now()
		if err = s.limitWrite(now); err != nil {
			break
		}
		s.account.Waits(now.UnixNano(), true)
		m := 0
		m, err = s.nc.Write(b[n:min(len(b), n+chunk)])
		n += m
	}
	s.account.Waits(0, false)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.srv.stats.Slow.Add(1)
	}
	return n, err
}

// limitWrite says by when the client must have taken what is written next. A
// subscriber is sent what it did not ask for, and must take it in time; so must who is
// read to from one moment of the store, which nothing is cleared away of meanwhile, who
// may not be idle, and everybody once the server drains.
func (c *conn) limitWrite(now time.Time) error {
	limit := time.Duration(0)
	switch {
	case c.listens(), c.streams, c.srv.isDraining():
		limit = c.srv.cfg.Send
	case c.srv.Idle() > 0:
		limit = max(c.srv.cfg.Send, c.srv.Idle())
	case !c.limited:
		return nil
	}
	if c.limited = limit > 0; !c.limited {
		return c.nc.SetWriteDeadline(time.Time{})
	}
	return c.nc.SetWriteDeadline(now.Add(limit))
}

// Snapshots is an Engine that can read, as of one moment, more than is held at once.
type Snapshots interface {
	// Snapshot lends use a way to answer Gets within their Budget, all of one moment.
	Snapshot(use func(get func(q *replica.Request) replica.Reply) error) error
}

// stream answers an MGET whose values are more than may be held together: one after
// the other, each when the one before it has left.
func (c *conn) stream(reqs []*replica.Request) error {
	e, ok := c.srv.engine.(Snapshots)
	if !ok {
		return replica.ErrBudget
	}
	return e.Snapshot(func(get func(*replica.Request) replica.Reply) error {
		for _, q := range reqs {
			rep, err := c.fetch(get, q)
			if n := len(rep.Shown.Values); err == nil && n > 1 && !c.srv.cfg.PickSiblings(q.Key) {
				err = resp.Conflict(n)
			}
			if err != nil {
				return err
			}
		}
		c.streams = true
		defer func() { c.streams = false }()
		c.out.Array(len(reqs))
		for _, q := range reqs {
			rep, err := c.fetch(get, q)
			switch v := rep.Shown.Values; {
			case err != nil:
				c.out.Error(batch.ErrorText(err))
			case len(v) > 0:
				c.out.Bulk(v[0])
			default:
				c.out.Null()
			}
			if c.out.Err() != nil {
				return nil // the client is gone, and nobody reads on
			}
		}
		return nil
	})
}

// fetch is what one key shows, when there is memory for it.
func (c *conn) fetch(get func(*replica.Request) replica.Reply, q *replica.Request) (replica.Reply, error) {
	f := &c.flight
	for {
		f.budget.Bytes, f.budget.Need = f.bytes, 0
		rep := get(q)
		if !errors.Is(rep.Err, replica.ErrBudget) {
			return rep, rep.Err
		}
		n := f.budget.Need
		c.account.Release(f.taken)
		f.taken = 0
		if err := c.claim(n); err != nil {
			return rep, err
		}
		f.bytes = n
	}
}
