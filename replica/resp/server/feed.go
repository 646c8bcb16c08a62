package server

import (
	"slices"
	"sync"
	"time"

	"kvd/replica/resp"
	"kvd/replica/resp/glob"
)

// Feeds is what a leader tells of its own accord, on channels of its own. All
// methods may be called from any goroutine.
type Feeds interface {
	// Channels is the names there are, ascending. They never change, and nobody
	// changes the slice.
	Channels() []string
	// Listen collects what is told on a channel from now on, within bounds of its
	// own, of keys that reads answers true for; it is asked from any goroutine, and may
	// answer otherwise later. Bell is called, on any goroutine, when something has come after Next
	// had nothing; it does not wait.
	Listen(channel string, reads func(key string) bool, bell func()) Feed
}

// Feed is one reader's place in a channel. It belongs to one goroutine.
type Feed interface {
	// Next is the oldest message that was not taken; false: there is none now. It
	// never waits. Nobody changes the bytes.
	Next() (message []byte, ok bool)
	// Close ends collecting. Bell may still be called by what was under way.
	Close()
}

const (
	// pushBatch is how many messages a client is sent before its own commands get
	// their turn.
	pushBatch = 256
	// glance is how long a client's commands are looked for while messages wait
	// for it. What has arrived is found at once; zero would find nothing.
	glance = time.Millisecond
)

// bell wakes a connection's goroutine out of its read. It does so by moving the
// read deadline to the past, as Shutdown does, and only while the goroutine is
// parked there: a client that is sent much is still read from.
type bell struct {
	mu           sync.Mutex
	rung, parked bool
}

// park reports whether the goroutine may wait for input: false if the bell was
// rung. The read deadline must be set by then, for ring moves it.
func (b *bell) park() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked = !b.rung
	return b.parked
}

// unpark reports whether the bell was rung meanwhile.
func (b *bell) unpark() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked = false
	return b.rung
}

// set notes that messages wait, or that they are about to be taken, and reports
// what was noted before.
func (b *bell) set(rung bool) (was bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, b.rung = b.rung, rung
	return was
}

// ring is what feeds call.
func (c *conn) ring() {
	c.bell.mu.Lock()
	defer c.bell.mu.Unlock()
	c.bell.rung = true
	if c.bell.parked {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
	}
}

// tuned is a feed that a connection listens to.
type tuned struct {
	channel string
	feed    Feed
}

// subscriptions is what a connection listens to: a feed for each of the leader's own
// channels that is named or fits a pattern, and an ear for what clients publish.
type subscriptions struct {
	channels map[string]struct{}
	patterns []string // ascending; never changed in place
	feeds    []tuned
	ear      *ear  // nil: it has listened to nothing
	held     int64 // of the memory of all clients, for the names
}

func (s *subscriptions) count() int { return len(s.channels) + len(s.patterns) }

// covers reports whether one of the leader's own channels is subscribed to.
func (s *subscriptions) covers(channel string) bool {
	_, named := s.channels[channel]
	return named || slices.ContainsFunc(s.patterns, func(p string) bool { return fits(p, channel) })
}

// fits reports whether a channel fits a pattern. The leader's own fit only one that
// begins as they do: who listens to all that others publish does not mean those.
func fits(pattern, channel string) bool {
	return ours(pattern) == ours(channel) && glob.Match(pattern, channel)
}

// listens reports whether the connection is a subscriber.
func (c *conn) listens() bool { return c.subs.count() > 0 || c.monitor != nil }

// confined reports whether it is one that may send nothing else, because its
// protocol cannot tell messages from replies.
func (c *conn) confined() bool { return c.subs.count() > 0 && c.out.Proto() == resp.RESP2 }

// tune opens and closes feeds as the names say, and shows the names.
func (c *conn) tune() {
	var feeds []tuned
	for _, name := range c.srv.channels {
		i := slices.IndexFunc(c.subs.feeds, func(t tuned) bool { return t.channel == name })
		switch covered := c.subs.covers(name); {
		case covered && i >= 0:
			feeds = append(feeds, c.subs.feeds[i])
		case covered:
			feeds = append(feeds, tuned{name, c.srv.cfg.Feeds.Listen(name, c.reads, c.ring)})
		case i >= 0:
			c.subs.feeds[i].feed.Close()
		}
	}
	c.subs.feeds = feeds
	c.change(func(p *profile) { p.channels, p.patterns = len(c.subs.channels), len(c.subs.patterns) })
}

// hush ends all subscriptions, and MONITOR.
func (c *conn) hush() {
	c.unmonitor()
	s, b := &c.subs, c.srv.broker
	if s.ear != nil {
		for n := range s.channels {
			b.leave(b.channels, n, s.ear)
		}
		for _, p := range s.patterns {
			b.leave(b.patterns, p, s.ear)
		}
		b.close(s.ear)
		c.giveBack(s.held)
	}
	s.channels, s.patterns, s.ear, s.held = nil, nil, nil, 0
	c.tune()
}

// deliver pushes what the feeds hold, in turns, a bounded part of it.
func (c *conn) deliver() {
	if !c.listens() || !c.bell.set(false) {
		return
	}
	if r := c.rights(); c.monitor != nil && !(r.May(MonitorRoles) && r.Everywhere()) {
		c.unmonitor() // its user may not any more
	}
	for left := pushBatch; left > 0; {
		before := left
		if c.monitor != nil {
			if line, ok := c.monitor.next(); ok {
				c.out.Simple(line)
				left--
			}
		}
		if c.hearOne() {
			left--
		}
		for _, t := range c.subs.feeds {
			if m, ok := t.feed.Next(); ok {
				c.push(t.channel, m)
				left--
			}
		}
		if left == before {
			return
		}
	}
	c.bell.set(true)
}

// hearOne pushes the oldest message that was published; false: there is none now.
func (c *conn) hearOne() bool {
	if c.subs.ear == nil {
		return false
	}
	m := c.subs.ear.next()
	if m == nil {
		return false
	}
	if c.reads(m.channel) { // its user's rights may be others by now
		c.push(m.channel, m.payload)
	}
	m.release(&c.srv.budget)
	return true
}

// hear pushes what was published until now, before the subscriptions change. Within a
// transaction's reply nothing can be pushed.
func (c *conn) hear() {
	if c.tx.active || c.subs.ear == nil {
		return
	}
	for n := c.subs.ear.length(); n > 0 && c.hearOne(); n-- {
	}
}

// push writes a message once for each subscription that it fits, as Redis does.
func (c *conn) push(channel string, message []byte) {
	w := c.out
	if _, named := c.subs.channels[channel]; named {
		w.Push(3)
		w.Text("message")
		w.Text(channel)
		w.Bulk(message)
	}
	for _, p := range c.subs.patterns {
		if fits(p, channel) {
			w.Push(4)
			w.Text("pmessage")
			w.Text(p)
			w.Text(channel)
			w.Bulk(message)
		}
	}
}
