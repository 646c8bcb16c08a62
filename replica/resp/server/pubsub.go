package server

import (
	"slices"
	"sync"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp/monitor"
	"kvd/replica/resp/pubsub"
)

const (
	// pushBatch is how many messages a client is sent before its own commands get
	// their turn.
	pushBatch = 256
	// pollInput is how long a client's commands are waited for while messages wait
	// for it. What has arrived is found at once; zero would find nothing.
	pollInput = time.Millisecond
)

func (c *conn) listens() bool { return c.subs.Count() > 0 || c.monitor != nil }

func (c *conn) unsubscribe() {
	c.unmonitor()
	c.subs.Clear()
	c.account.Release(c.subsHeld)
	c.subsHeld = 0
	c.noteSubscriptions()
}

func (c *conn) noteSubscriptions() {
	c.change(func(p *Client) { p.Channels, p.Patterns = c.subs.Counts() })
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

// Subscriptions is what the client listens to. Whoever changes it goes by Subscribe and
// Unsubscribe.
func (k *Call) Subscriptions() *pubsub.Subscriber { return k.conn.subs }

// Subscribe takes the memory for more subscriptions, then adds one name after the other,
// each followed by each. What was published before is pushed first.
func (k *Call) Subscribe(names []string, patterns bool, each func(name string)) error {
	c, size := k.conn, int64(0)
	for _, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if !c.subs.Has(n, patterns) {
			size += int64(len(n)) + pubsub.NameBytes
		}
	}
	if err := k.Reserve(size); err != nil {
		return err
	}
	c.subsHeld += size
	c.pushPublished()
	for _, n := range names {
		c.subs.Add(n, patterns)
		each(n)
	}
	c.subs.Tune()
	c.noteSubscriptions()
	return nil
}

// Unsubscribe removes one name after the other, each followed by each. What was published
// before is pushed first.
func (k *Call) Unsubscribe(names []string, patterns bool, each func(name string)) {
	c, freed := k.conn, int64(0)
	c.pushPublished()
	for _, n := range names {
		if c.subs.Remove(n, patterns) {
			freed += int64(len(n)) + pubsub.NameBytes
		}
		each(n)
	}
	c.subsHeld -= freed
	k.Release(freed)
	c.subs.Tune()
	c.noteSubscriptions()
}

// Publish sends a message to who listens at this leader, and answers to how many
// subscriptions, and to the other leaders. Nobody changes the message afterwards. The error
// says that there was no memory for it, and nobody has it.
func (s *Server) Publish(channel string, message []byte) (int, error) {
	n, err := s.Broker.Publish(channel, message)
	if err == nil && s.cfg.Publish != nil {
		s.cfg.Publish(channel, message)
	}
	return n, err
}

// Hear brings what was published at another leader to who listens here. It never waits.
// Nobody changes the message afterwards.
func (s *Server) Hear(channel string, message []byte) {
	if !pubsub.Own(channel) {
		_, _ = s.Broker.Publish(channel, message) // what finds no memory is lost, and counted there
	}
}

// Hears reports whether the client may be told what is said on a channel. What the
// leader says of keys is looked at key by key.
func (k *Call) Hears(channel string) bool { return pubsub.Own(channel) || k.conn.reads(channel) }

// MonitorRoles is the roles of who may see what others send.
const MonitorRoles = acl.Read | acl.Admin

// Monitor begins to show the client what others send.
func Monitor(k *Call) error {
	if k.conn.monitor == nil {
		if err := k.Reserve(monitor.MaxBytes); err != nil {
			return err
		}
		k.conn.monitor = k.conn.srv.monitors.Join(k.conn.waker.Wake)
	}
	return k.OK()
}

func (c *conn) unmonitor() {
	if c.monitor == nil {
		return
	}
	c.srv.monitors.Leave(c.monitor)
	c.monitor = nil
	c.account.Release(monitor.MaxBytes)
}

func (s *Server) show(k *Call) {
	if s.monitors.Active() {
		s.monitors.Show(monitor.Line(s.cfg.Clock(), k.conn.prof.Addr, k.Args, k.secret))
	}
}

// secret reports whether argument i may be a password.
func (k *Call) secret(i int) bool { return k.cmd.Secret != nil && k.cmd.Secret(k.Args, i) }

// waker wakes a connection's goroutine. It does so by moving the read deadline to the past,
// and only while the goroutine is parked in its read: a client that is sent much is still
// read from.
type waker struct {
	conn interface{ SetReadDeadline(time.Time) error }

	mu            sync.Mutex
	woken, parked bool
}

// Park reports whether the goroutine may wait for input: false if it was woken. The read
// deadline must be set by then, for Wake moves it.
func (w *waker) Park() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = !w.woken
	return w.parked
}

// Unpark reports whether it was woken meanwhile.
func (w *waker) Unpark() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = false
	return w.woken
}

// Set notes that messages wait, or that they are about to be taken, and reports
// what was noted before.
func (w *waker) Set(woken bool) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was, w.woken = w.woken, woken
	return was
}

// Wake notes that messages wait. It may be called from any goroutine, and does not wait.
func (w *waker) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = true
	if w.parked {
		_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // fails only when it is closed already
	}
}
