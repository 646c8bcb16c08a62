package server

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/budget"
	"kvd/wallclock"
)

type transaction struct {
	batch.Batch
	active, spoilt bool
	bytes          int         // of the arguments queued, and of what is answered already
	held           int64       // taken from the budget
	rights         *acl.Rights // that its commands were allowed by
}

func (c *conn) forgetTx() {
	t := &c.tx
	t.Reset()
	c.account.Release(t.held)
	t.active, t.spoilt, t.bytes, t.held, t.rights = false, false, 0, 0, nil
	c.unwatch()
	c.queued.Store(-1)
}

// stepBytes is what a command of a transaction takes beside its requests.
const stepBytes = 72

// hoard takes from the budget what the transaction holds.
func (c *conn) hoard() error {
	t := &c.tx
	want := int64(t.bytes+t.Side.Len()) + int64(len(t.Steps))*stepBytes + t.Cost(c.srv.cfg.Limits.Requests)
	if want <= t.held+minBytes {
		return nil
	}
	if can := c.srv.budget.Grantable(); want > can {
		return resp.Error(fmt.Sprintf("ERR the transaction is too big: it takes %d bytes while it is under way, and clients can be given %d (--client-memory); split it", want, can))
	}
	// What is taken ahead is given back with the rest: many small commands need not each ask.
	ahead := min(want/4, 1<<20)
	if err := c.account.Reserve(want+ahead-t.held, c.srv.cfg.Stall); err != nil {
		return resp.Error("TRYAGAIN " + budget.ErrFull.Error() + "; make the transaction again later")
	}
	t.held = want + ahead
	return nil
}

// Multi begins a transaction.
func Multi(k *Call) error {
	if k.conn.tx.active {
		return resp.Error("ERR MULTI calls can not be nested")
	}
	k.conn.tx.active, k.conn.tx.rights = true, k.conn.rights()
	k.conn.queued.Store(0)
	return k.OK()
}

// Exec hands everything to the engine in one call and renders the replies in
// one array. A request that fails leaves the others done, as in Redis. A command that
// looks at keys at large, as KEYS does, between others parts the transaction in two
// calls: it shows what was written before it, and not what is written after.
func Exec(k *Call) error {
	t := &k.conn.tx
	if !t.active {
		return resp.Error("ERR EXEC without MULTI")
	}
	defer k.conn.forgetTx()
	if t.spoilt {
		return resp.Error("EXECABORT Transaction discarded because of previous errors.")
	}
	if t.rights != k.conn.rights() {
		return resp.Error("EXECABORT Transaction discarded: what " + k.UserName() + " may do was changed since MULTI; make it again")
	}
	guard := k.guarded()
	for from := 0; from == 0 || from < len(t.Steps); {
		b, to := t.part(from)
		err := k.execute(b, from == 0, guard)
		if from == 0 && err == errChanged {
			k.Out.NullArray()
			return nil
		}
		if from == 0 && err != nil || errors.Is(err, budget.ErrCut) {
			return err
		}
		if err != nil {
			b.Refuse(k.Out, err)
		}
		from = max(to, 1)
	}
	return nil
}

// part is the steps from from on up to and with the next that looks at keys at large,
// and where the rest begins.
func (t *transaction) part(from int) (*batch.Batch, int) {
	to := from
	for to < len(t.Steps) && !t.Steps[to].Keys {
		to++
	}
	if to = min(to+1, len(t.Steps)); from == 0 && to == len(t.Steps) {
		return &t.Batch, to
	}
	b := &batch.Batch{Steps: slices.Clone(t.Steps[from:to]), Side: t.Side}
	if len(b.Steps) > 0 {
		first := b.Steps[0].From
		b.Requests = t.Requests[first:b.Steps[len(b.Steps)-1].To]
		for i := range b.Steps {
			b.Steps[i].From, b.Steps[i].To = b.Steps[i].From-first, b.Steps[i].To-first
		}
	}
	return b, to
}

var errChanged = errors.New("a watched key has changed")

// execute does a part of the transaction and renders its replies; the first says
// before how many there are. On an error nothing was done or rendered.
func (k *Call) execute(b *batch.Batch, first bool, guard *batch.Batch) error {
	defer k.conn.land()
	if first && guard != nil {
		n := len(guard.Requests)
		guard.Requests = append(guard.Requests, b.Requests...)
		for _, s := range b.Steps {
			s.From, s.To = s.From+n, s.To+n
			guard.Steps = append(guard.Steps, s)
		}
		guard.Side, guard.Dots = b.Side, b.Dots
		b = guard
	}
	err := k.conn.prepare(b, true)
	if err == nil {
		err = k.conn.submit(b)
	}
	if errors.Is(err, budget.ErrCut) {
		k.conn.tx.Batch = batch.Batch{Side: resp.Buffer()} // requests and replies are the engine's for ever
		return err
	}
	if err == nil && first && guard != nil {
		err = k.changed()
	}
	if err != nil {
		k.conn.forget()
		return err
	}
	if first {
		k.Out.Array(len(k.conn.tx.Steps))
	}
	b.Render(k.Out, k.conn.replies, 0, k.Config().PickSiblings)
	k.conn.srv.stats.Hits.Add(b.Hits)
	k.conn.srv.stats.Misses.Add(b.Misses)
	k.conn.forget()
	return nil
}

// Discard forgets the transaction.
func Discard(k *Call) error {
	if !k.conn.tx.active {
		return resp.Error("ERR DISCARD without MULTI")
	}
	k.conn.forgetTx()
	return k.OK()
}

// WATCH holds on one leader. What a key showed is remembered: its versions and when it
// ends; EXEC looks again in the call that does the transaction, so nothing comes
// between, and where anything is different nothing is done. A write that another
// leader accepted and that has not arrived is not seen: the resolver decides between
// it and the transaction, as between any two.

// maxWatched is how many keys one connection may watch.
const maxWatched = 4096

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
	if err := k.conn.observe(b, func(_ int, err error) error { return err }); err != nil {
		return err
	}
	for _, w := range fresh {
		k.conn.account.Charge(w.bytes())
	}
	k.conn.watched = append(k.conn.watched, fresh...)
	return k.OK()
}

func (w *watchedKey) note(p replica.Present) (replica.Write, error) {
	w.dots, w.values, w.expires = slices.Clone(p.Reading.Dots), len(p.Reading.Values), p.Expires
	return replica.Write{Verb: replica.Get}, nil
}

// observe does requests whose replies hold nothing, and lets each failure be judged: one
// that is returned ends it.
func (c *conn) observe(b *batch.Batch, judge func(i int, err error) error) error {
	defer c.land()
	if err := c.prepare(b, false); err != nil {
		return err
	}
	if err := c.submit(b); err != nil {
		return err
	}
	defer c.forget()
	for i := range c.replies {
		if err := judge(i, c.replies[i].Err); err != nil {
			return err
		}
	}
	return nil
}

// UpdateAll does one Update of each key in one batch, and gives the keys whose Update
// found no memory and was not done.
func (k *Call) UpdateAll(keys []string, d func(replica.Present) (replica.Write, error)) (left []string, err error) {
	b := batch.Batch{}
	for _, key := range keys {
		r := b.Request()
		r.Verb, r.Key, r.Decide, r.Quiet = replica.Update, key, d, true
	}
	err = k.conn.observe(&b, func(i int, err error) error {
		if errors.Is(err, replica.ErrBudget) {
			left, err = append(left, keys[i]), nil
		}
		return err
	})
	return left, err
}

// Unwatch forgets what is watched.
func Unwatch(k *Call) error {
	k.conn.unwatch()
	return k.OK()
}

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
