package resp

import (
	"slices"
	"sync"
	"time"
)

// Feeds is what a leader tells of its own accord, on channels of its own. All
// methods may be called from any goroutine.
type Feeds interface {
	// Channels is the names there are, ascending. They never change, and nobody
	// changes the slice.
	Channels() []string
	// Listen collects what is told on a channel from now on, within bounds of its
	// own. Bell is called, on any goroutine, when something has come after Next
	// had nothing; it does not wait.
	Listen(channel string, bell func()) Feed
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

// subscriptions is what a connection listens to: a feed for each channel that is
// named or fits a pattern. The names are ascending, and copied when they change:
// others look at them through the profile.
type subscriptions struct {
	channels, patterns []string
	feeds              []tuned
}

func (s *subscriptions) count() int { return len(s.channels) + len(s.patterns) }

// covers reports whether anything is subscribed to that the channel fits.
func (s *subscriptions) covers(channel string) bool {
	fits := func(pattern string) bool { return glob(pattern, channel) }
	return slices.Contains(s.channels, channel) || slices.ContainsFunc(s.patterns, fits)
}

// listens reports whether the connection is a subscriber.
func (c *conn) listens() bool { return len(c.subs.feeds) > 0 }

// confined reports whether it is one that may send nothing else, because its
// protocol cannot tell messages from replies.
func (c *conn) confined() bool { return c.listens() && c.out.proto == resp2 }

// tune opens and closes feeds as the names say, and shows the names.
func (c *conn) tune() {
	var feeds []tuned
	for _, name := range c.srv.channels {
		i := slices.IndexFunc(c.subs.feeds, func(t tuned) bool { return t.channel == name })
		switch covered := c.subs.covers(name); {
		case covered && i >= 0:
			feeds = append(feeds, c.subs.feeds[i])
		case covered:
			feeds = append(feeds, tuned{name, c.srv.cfg.Feeds.Listen(name, c.ring)})
		case i >= 0:
			c.subs.feeds[i].feed.Close()
		}
	}
	c.subs.feeds = feeds
	c.change(func(p *profile) { p.channels, p.patterns = c.subs.channels, c.subs.patterns })
}

// hush ends all subscriptions.
func (c *conn) hush() {
	c.subs.channels, c.subs.patterns = nil, nil
	c.tune()
}

// deliver pushes what the feeds hold, in turns, a bounded part of it.
func (c *conn) deliver() {
	if !c.listens() || !c.bell.set(false) {
		return
	}
	for left := pushBatch; left > 0; {
		before := left
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

// push writes a message once for each subscription that it fits, as Redis does.
func (c *conn) push(channel string, message []byte) {
	w := c.out
	if slices.Contains(c.subs.channels, channel) {
		w.Push(3)
		w.Text("message")
		w.Text(channel)
		w.Bulk(message)
	}
	for _, p := range c.subs.patterns {
		if glob(p, channel) {
			w.Push(4)
			w.Text("pmessage")
			w.Text(p)
			w.Text(channel)
			w.Bulk(message)
		}
	}
}
