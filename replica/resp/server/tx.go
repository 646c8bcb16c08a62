package server

import (
	"errors"
	"fmt"
	"slices"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/budget"
)

// transaction is what was queued after MULTI.
type transaction struct {
	batch.Batch
	active, spoilt bool
	bytes          int         // of the arguments queued, and of what is answered already
	held           int64       // taken from the budget
	rights         *acl.Rights // that its commands were allowed by
}

// forgetTx ends the transaction.
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
		return resp.Error("EXECABORT Transaction discarded: what " + k.conn.userName() + " may do was changed since MULTI; make it again")
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

// errChanged says that a watched key has changed.
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
	b.Render(k.Out, k.conn.replies, 0, k.conn.srv.pick)
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
