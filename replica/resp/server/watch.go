package server

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/wallclock"
)

// WATCH holds on one leader. What a key showed is remembered: its versions and when it
// ends; EXEC looks again in the call that does the transaction, so nothing comes
// between, and where anything is different nothing is done. A write that another
// leader accepted and that has not arrived is not seen: the resolver decides between
// it and the transaction, as between any two.

// maxWatched is how many keys one connection may watch.
const maxWatched = 4096

// watchedKey is what a key showed when it was watched.
type watchedKey struct {
	key     string
	dots    []logical.Dot
	values  int
	expires wallclock.Instant
}

// showed reports whether the key shows just that still.
func (w *watchedKey) showed(p *replica.Present) bool {
	return w.values == len(p.Reading.Values) && w.expires == p.Expires && slices.Equal(w.dots, p.Reading.Dots)
}

// bytes is about what is held for the key.
func (w *watchedKey) bytes() int64 { return int64(96 + len(w.key) + batch.DotBytes*len(w.dots)) }

// Watch remembers what keys show, for the next EXEC.
func Watch(k *Call) error {
	if k.conn.tx.active {
		return resp.Error("ERR WATCH inside MULTI is not allowed")
	}
	b := &batch.Batch{Side: resp.Buffer()}
	k.b = b
	var fresh []*watchedKey
	for _, key := range k.Args[1:] {
		if slices.ContainsFunc(k.conn.watched, func(w *watchedKey) bool { return w.key == string(key) }) {
			continue
		}
		w := &watchedKey{key: string(key)}
		if fresh = append(fresh, w); len(k.conn.watched)+len(fresh) > maxWatched {
			return resp.Error(fmt.Sprintf("ERR one connection may watch %d keys; UNWATCH, or watch fewer", maxWatched))
		}
		if err := k.Decide(key, w.note); err != nil {
			return err
		}
	}
	if err := k.conn.observe(b); err != nil {
		return err
	}
	for _, w := range fresh {
		k.conn.account.Charge(w.bytes())
	}
	k.conn.watched = append(k.conn.watched, fresh...)
	return k.OK()
}

// note is a Decide that keeps what the key shows, and writes nothing.
func (w *watchedKey) note(p replica.Present) (replica.Write, error) {
	w.dots, w.values, w.expires = slices.Clone(p.Reading.Dots), len(p.Reading.Values), p.Expires
	return replica.Write{Verb: replica.Get}, nil
}

// observe does requests whose replies hold nothing.
func (c *conn) observe(b *batch.Batch) error {
	defer c.land()
	if err := c.prepare(b, false); err != nil {
		return err
	}
	if err := c.submit(b); err != nil {
		return err
	}
	defer c.forget()
	return batch.Failed(c.replies)
}

// Unwatch forgets what is watched.
func Unwatch(k *Call) error {
	k.conn.unwatch()
	return k.OK()
}

// unwatch forgets what is watched.
func (c *conn) unwatch() {
	for _, w := range c.watched {
		c.account.Charge(-w.bytes())
	}
	c.watched = nil
}

// guarded is requests that look whether what is watched has changed; nil: nothing is.
// Those of the transaction are not done then.
func (k *Call) guarded() *batch.Batch {
	if len(k.conn.watched) == 0 {
		return nil
	}
	// What was not read counts as changed: where a read fails the transaction is not done.
	changed, guard := len(k.conn.watched), &replica.Guard{Broken: true}
	b := &batch.Batch{Side: resp.Buffer()}
	for _, w := range k.conn.watched {
		same := false
		r := b.Request()
		r.Verb, r.Key, r.Quiet = replica.Update, w.key, true
		r.Decide = func(p replica.Present) (replica.Write, error) {
			if now := w.showed(&p); now != same {
				changed += int(1 - 2*resp.Flag(now))
				same, guard.Broken = now, changed > 0
			}
			return replica.Write{Verb: replica.Get}, nil
		}
	}
	for _, r := range k.conn.tx.Requests {
		r.Guard = guard
	}
	k.conn.guard = guard
	return b
}

// changed is why the transaction was not done though it was taken.
func (k *Call) changed() error {
	if err := batch.Failed(k.conn.replies[:len(k.conn.watched)]); err != nil {
		return resp.Error("EXECABORT Transaction discarded: whether what is watched has changed could not be read (" + batch.ErrorText(err) + "); nothing of it was done")
	}
	if k.conn.guard.Broken {
		return errChanged
	}
	return nil
}

// carry does a batch of one request to each key, and gives the keys whose request found
// no memory and was not done.
func (c *conn) carry(b *batch.Batch, keys []string) (left []string, err error) {
	defer c.land()
	if err := c.prepare(b, false); err != nil {
		return nil, err
	}
	if err := c.submit(b); err != nil {
		return nil, err
	}
	defer c.forget()
	for i := range c.replies {
		switch err := c.replies[i].Err; {
		case errors.Is(err, replica.ErrBudget):
			left = append(left, keys[i])
		case err != nil:
			return nil, err
		}
	}
	return left, nil
}
