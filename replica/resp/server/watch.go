package server

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/resp"
	"kvd/wallclock"
)

// WATCH holds on one leader. What a key showed is kept, its versions and when it
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
func (w *watchedKey) bytes() int64 { return int64(96 + len(w.key) + dotBytes*len(w.dots)) }

func runWatch(k *call) error {
	if k.tx.active {
		return resp.Error("ERR WATCH inside MULTI is not allowed")
	}
	b := &batch{side: resp.Buffer()}
	k.b = b
	var fresh []*watchedKey
	for _, key := range k.args[1:] {
		if slices.ContainsFunc(k.watched, func(w *watchedKey) bool { return w.key == string(key) }) {
			continue
		}
		w := &watchedKey{key: string(key)}
		if fresh = append(fresh, w); len(k.watched)+len(fresh) > maxWatched {
			return resp.Error(fmt.Sprintf("ERR one connection may watch %d keys; UNWATCH, or watch fewer", maxWatched))
		}
		if err := k.decide(key, w.note); err != nil {
			return err
		}
	}
	if err := k.observe(b); err != nil {
		return err
	}
	for _, w := range fresh {
		k.charge(w.bytes())
	}
	k.watched = append(k.watched, fresh...)
	k.w.Simple("OK")
	return nil
}

// note is a Decide that keeps what the key shows, and writes nothing.
func (w *watchedKey) note(p replica.Present) (replica.Write, error) {
	w.dots, w.values, w.expires = slices.Clone(p.Reading.Dots), len(p.Reading.Values), p.Expires
	return nothing()
}

// observe does requests whose replies hold nothing.
func (c *conn) observe(b *batch) error {
	defer c.land()
	if err := c.prepare(b, false); err != nil {
		return err
	}
	if err := c.submit(b); err != nil {
		return err
	}
	defer c.forget()
	return failed(c.replies)
}

func runUnwatch(k *call) error {
	k.unwatch()
	k.w.Simple("OK")
	return nil
}

// unwatch forgets what is watched.
func (c *conn) unwatch() {
	for _, w := range c.watched {
		c.charge(-w.bytes())
	}
	c.watched = nil
}

// guarded is requests that look whether what is watched has changed; nil: nothing is.
// Those of the transaction are not done then.
func (k *call) guarded() *batch {
	if len(k.watched) == 0 {
		return nil
	}
	guard := &replica.Guard{}
	b := &batch{side: resp.Buffer()}
	for _, w := range k.watched {
		r := b.request()
		r.Verb, r.Key, r.Quiet = replica.Update, w.key, true
		r.Decide = func(p replica.Present) (replica.Write, error) {
			guard.Broken = guard.Broken || !w.showed(&p)
			return nothing()
		}
	}
	for _, r := range k.tx.reqs {
		r.Guard = guard
	}
	k.guard = guard
	return b
}

// changed is why the transaction was not done though it was taken.
func (k *call) changed() error {
	if err := failed(k.replies[:len(k.watched)]); err != nil {
		return err
	}
	if k.guard.Broken {
		return errChanged
	}
	return nil
}
