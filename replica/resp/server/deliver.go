package server

import (
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
	if !c.listens() || !c.waker.Set(false) {
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
	c.waker.Set(true)
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
