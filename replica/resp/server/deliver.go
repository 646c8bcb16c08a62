package server

import (
	"sync"
	"time"

	"kvd/replica/resp"
)

const (
	// pushBatch is how many messages a client is sent before its own commands get
	// their turn.
	pushBatch = 256
	// pollInput is how long a client's commands are waited for while messages wait
	// for it. What has arrived is found at once; zero would find nothing.
	pollInput = time.Millisecond
)

// waker wakes a connection's goroutine out of its read. It does so by moving the
// read deadline to the past, as Shutdown does, and only while the goroutine is
// parked there: a client that is sent much is still read from.
type waker struct {
	mu            sync.Mutex
	woken, parked bool
}

// park reports whether the goroutine may wait for input: false if it was woken. The read
// deadline must be set by then, for wake moves it.
func (w *waker) park() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = !w.woken
	return w.parked
}

// unpark reports whether it was woken meanwhile.
func (w *waker) unpark() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = false
	return w.woken
}

// set notes that messages wait, or that they are about to be taken, and reports
// what was noted before.
func (w *waker) set(woken bool) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was, w.woken = w.woken, woken
	return was
}

// wake is what feeds call.
func (c *conn) wake() {
	c.waker.mu.Lock()
	defer c.waker.mu.Unlock()
	c.waker.woken = true
	if c.waker.parked {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
	}
}

// listens reports whether the connection is a subscriber.
func (c *conn) listens() bool { return c.subs.Count() > 0 || c.monitor != nil }

// pubsubOnly reports whether it may send nothing but what concerns its subscriptions,
// because its protocol cannot tell messages from replies.
func (c *conn) pubsubOnly() bool { return c.subs.Count() > 0 && c.out.Proto() == resp.RESP2 }

// unsubscribe ends all subscriptions, and MONITOR.
func (c *conn) unsubscribe() {
	c.unmonitor()
	c.subs.Clear()
	c.account.Release(c.subsHeld)
	c.subsHeld = 0
	c.noteSubscriptions()
}

// noteSubscriptions lets others see how many there are.
func (c *conn) noteSubscriptions() {
	c.change(func(p *profile) { p.channels, p.patterns = c.subs.Counts() })
}

// deliver pushes what waits for the client, in turns, a bounded part of it.
func (c *conn) deliver() {
	if !c.listens() || !c.waker.set(false) {
		return
	}
	if r := c.rights(); c.monitor != nil && !(r.May(MonitorRoles) && r.Everywhere()) {
		c.unmonitor() // its user may not any more
	}
	for left := pushBatch; left > 0; {
		before := left
		if c.monitor != nil {
			if line, ok := c.monitor.Next(); ok {
				c.out.Simple(line)
				left--
			}
		}
		if left -= c.subs.Push(c.out); left == before {
			return
		}
	}
	c.waker.set(true)
}

// pushPublished pushes what was published until now, before the subscriptions change. Within
// a transaction's reply nothing can be pushed.
func (c *conn) pushPublished() {
	if c.tx.active {
		return
	}
	for n := c.subs.Waiting(); n > 0 && c.subs.PushPublished(c.out); n-- {
	}
}
