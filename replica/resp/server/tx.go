package server

import (
	"errors"
	"fmt"
	"slices"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// transaction is what was queued after MULTI.
type transaction struct {
	batch
	active, spoilt bool
	bytes          int         // of the arguments queued, and of what is answered already
	held           int64       // taken from the budget
	rights         *acl.Rights // that its commands were allowed by
}

// forgetTx ends the transaction.
func (c *conn) forgetTx() {
	t := &c.tx
	t.reset()
	c.giveBack(t.held)
	t.active, t.spoilt, t.bytes, t.held, t.rights = false, false, 0, 0, nil
	c.unwatch()
	c.queued.Store(-1)
}

// stepBytes is what a command of a transaction takes beside its requests.
const stepBytes = 72

// hoard takes from the budget what the transaction holds.
func (c *conn) hoard() error {
	t := &c.tx
	want := int64(t.bytes+t.side.Len()) + int64(len(t.steps))*stepBytes + t.cost(&c.srv.cfg.Limits)
	if want <= t.held+leastRoom {
		return nil
	}
	if can := c.srv.budget.granting(); want > can {
		return resp.Error(fmt.Sprintf("ERR the transaction is too big: it takes %d bytes while it is under way, and clients can be given %d (--client-memory); split it", want, can))
	}
	// What is taken ahead is given back with the rest: many small commands need not each ask.
	ahead := min(want/4, 1<<20)
	if err := c.reserve(want+ahead-t.held, c.srv.cfg.Stall); err != nil {
		return resp.Error("TRYAGAIN " + errBudget.Error() + "; make the transaction again later")
	}
	t.held = want + ahead
	return nil
}

func Multi(k *Call) error {
	if k.conn.tx.active {
		return resp.Error("ERR MULTI calls can not be nested")
	}
	k.conn.tx.active, k.conn.tx.rights = true, k.conn.rights()
	k.conn.queued.Store(0)
	k.Out.Simple("OK")
	return nil
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
	for from := 0; from == 0 || from < len(t.steps); {
		b, to := t.part(from)
		err := k.execute(b, from == 0, guard)
		if from == 0 && err == errChanged {
			k.Out.NullArray()
			return nil
		}
		if from == 0 && err != nil || errors.Is(err, errSevered) {
			return err
		}
		if err != nil {
			b.refuse(k.Out, err)
		}
		from = max(to, 1)
	}
	return nil
}

// part is the steps from from on up to and with the next that looks at keys at large,
// and where the rest begins.
func (t *transaction) part(from int) (*batch, int) {
	to := from
	for to < len(t.steps) && !t.steps[to].keys {
		to++
	}
	if to = min(to+1, len(t.steps)); from == 0 && to == len(t.steps) {
		return &t.batch, to
	}
	b := &batch{steps: slices.Clone(t.steps[from:to]), side: t.side}
	if len(b.steps) > 0 {
		first := b.steps[0].from
		b.reqs = t.reqs[first:b.steps[len(b.steps)-1].to]
		for i := range b.steps {
			b.steps[i].from, b.steps[i].to = b.steps[i].from-first, b.steps[i].to-first
		}
	}
	return b, to
}

// errChanged says that a watched key has changed.
var errChanged = errors.New("a watched key has changed")

// execute does a part of the transaction and renders its replies; the first says
// before how many there are. On an error nothing was done or rendered.
func (k *Call) execute(b *batch, first bool, guard *batch) error {
	defer k.conn.land()
	if first && guard != nil {
		n := len(guard.reqs)
		guard.reqs = append(guard.reqs, b.reqs...)
		for _, s := range b.steps {
			s.from, s.to = s.from+n, s.to+n
			guard.steps = append(guard.steps, s)
		}
		guard.side, guard.dots = b.side, b.dots
		b = guard
	}
	err := k.conn.prepare(b, true)
	if err == nil {
		err = k.conn.submit(b)
	}
	if errors.Is(err, errSevered) {
		k.conn.tx.batch = batch{side: resp.Buffer()} // requests and replies are the engine's for ever
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
		k.Out.Array(len(k.conn.tx.steps))
	}
	b.render(k.Out, k.conn.replies, 0, k.conn.srv.pick)
	k.conn.srv.stats.hits.Add(b.hits)
	k.conn.srv.stats.misses.Add(b.misses)
	k.conn.forget()
	return nil
}

func Discard(k *Call) error {
	if !k.conn.tx.active {
		return resp.Error("ERR DISCARD without MULTI")
	}
	k.conn.forgetTx()
	k.Out.Simple("OK")
	return nil
}
