package world

import (
	"cmp"
	"fmt"
	"time"

	"kvd/replica"
	"kvd/replica/lease"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// mayBegin reports whether the client does the operation: one under a lock that it was not given it leaves
// out, as a program does whose acquire has failed.
func (c *client) mayBegin(op *operation) bool {
	if _, given := c.locks[op.Lock]; given || op.Lock == "" || op.Kind == script.OpLock {
		return true
	}
	c.w.Trace.Add(trace.Event{At: c.w.now, Kind: trace.Failed, Where: c.name, Peer: c.at, Label: op.Name, Key: op.Key, Text: "it does not hold " + op.Lock})
	return false
}

// until is when a client gives up waiting for a lock.
func (op *operation) until(now time.Duration) time.Duration {
	if !op.Wait.Set {
		return never
	}
	return now + op.Wait.Value
}

// locking is a leader's part in taking or giving back a lock, once the request has arrived.
func (l *leader) locking(c *client, op *operation, id uint64) {
	switch {
	case l.pump == nil:
		return // who waits was told when the process ended
	case l.paused > l.w.now:
		l.w.at(l.paused, func() { l.locking(c, op, id) })
		return
	}
	name, i, until := lease.Name(op.Lock), l.w.issuer, op.until(l.w.now)
	answer := func(r lease.Result) {
		op.lock = r.Lock.Token
		if r.Code == lease.Held {
			l.refuse(id, fmt.Errorf("LOCKED %s holds the lock under %s", r.Lock.ID, r.Lock.Token))
			return
		}
		l.w.reply(l, &replica.Reply{ID: id})
	}
	do := func(back func(func())) {
		i.acquire(c, op, id, until, func(r lease.Result) { back(func() { answer(r) }) })
	}
	if op.Kind == script.OpUnlock {
		do = func(back func(func())) {
			i.end(lease.Entry{Kind: lease.Release, Name: name, Token: c.locks[op.Lock]})
			back(func() { answer(lease.Result{}) })
		}
	}
	i.ask(l, l.w.now+noMajority, do, func() { l.refuse(id, errNoMajority) })
}

// fenced is a leader's part in a write under a lock: it asks whether the lock is held under the token, and takes the
// write only while the lease of which it was told cannot have ended.
func (l *leader) fenced(req *replica.Request, lock string, t lease.Token) {
	switch {
	case l.pump == nil:
		return
	case l.paused > l.w.now:
		l.w.at(l.paused, func() { l.fenced(req, lock, t) })
		return
	}
	asked := l.w.now
	l.w.issuer.ask(l, asked+noMajority, func(back func(func())) {
		left, held := l.w.issuer.left(lease.Name(lock), t)
		back(func() {
			if !held {
				l.refuse(req.ID, fmt.Errorf("FENCED %s is not held under %s any more", lock, t))
				return
			}
			req.Guard = &replica.Guard{Lapsed: func() error {
				if l.w.now-asked >= left {
					return fmt.Errorf("FENCED the lease of %s under %s may have ended before %s accepted the write", lock, t, l.name)
				}
				return nil
			}}
			l.receive(req)
		})
	}, func() { l.refuse(req.ID, errNoMajority) })
}

func (l *leader) refuse(id uint64, why error) { l.w.reply(l, &replica.Reply{ID: id, Err: why}) }

// redlocking is a client that takes a lock at each leader for itself, or gives it back.
func (c *client) redlocking(op *operation, id uint64, until time.Duration) {
	const tryAgain = 100 * time.Millisecond
	_, waits := c.w.waiting[id]
	switch {
	case !waits:
	case op.Kind == script.OpUnlock:
		c.leaves(op.Lock)
		c.told(op, id, nil)
	case c.takes(op):
		c.told(op, id, nil)
	case c.w.now >= until:
		c.told(op, id, fmt.Errorf("LOCKED no majority of the leaders set %s", op.Lock))
	default:
		c.w.last = max(c.w.last, c.w.now+tryAgain)
		c.w.after(tryAgain, func() { c.redlocking(op, id, until) })
	}
}

// told is an answer that the client gave itself.
func (c *client) told(op *operation, id uint64, err error) {
	delete(c.w.waiting, id)
	c.answered(op, &replica.Reply{ID: id, Err: err})
}

// lockAnswered takes what became of a lock.
func (c *client) lockAnswered(op *operation) {
	text, under := "gives "+op.Lock+" back", ""
	if op.Kind == script.OpLock {
		if op.lock != (lease.Token{}) {
			under = " under " + op.lock.String()
		}
		text = fmt.Sprintf("is given %s%s for %s", op.Lock, under, op.TTL)
		c.locks[op.Lock] = op.lock
	} else {
		delete(c.locks, op.Lock)
	}
	c.w.Trace.Add(trace.Event{At: c.w.now, Kind: trace.Granted, Where: c.name, Peer: cmp.Or(op.At, c.at), Label: op.Name, Text: text})
	c.w.fire(op.Name, "")
	c.finish()
}

// standStill puts a write off, as a client that stands still before it does.
func (c *client) standStill(op *operation) {
	if op.Pause == 0 {
		c.send(op)
		return
	}
	c.w.last = max(c.w.last, c.w.now+op.Pause)
	c.w.Trace.Add(trace.Event{At: c.w.now, Kind: trace.Granted, Where: c.name, Label: op.Name, Text: "stands still for " + op.Pause.String()})
	c.w.after(op.Pause, func() { c.send(op) })
}
