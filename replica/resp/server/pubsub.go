package server

import (
	"slices"

	"kvd/replica/resp/pubsub"
)

// Subscriptions is what the client listens to. Whoever changes it goes by Subscribe and
// Unsubscribe.
func (k *Call) Subscriptions() *pubsub.Subscriber { return k.conn.subs }

// Channels are the leader's own channels, ascending. Nobody changes the slice.
func (s *Server) Channels() []string { return s.channels }

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
	n, err := s.broker.Publish(channel, message)
	if err == nil && s.cfg.Publish != nil {
		s.cfg.Publish(channel, message)
	}
	return n, err
}

// Hear brings what was published at another leader to who listens here. It never waits.
// Nobody changes the message afterwards.
func (s *Server) Hear(channel string, message []byte) {
	if !pubsub.Own(channel) {
		_, _ = s.broker.Publish(channel, message) // what finds no memory is lost, and counted there
	}
}

// hears reports whether the client may be told what is said on a channel. What the
// leader says of keys is looked at key by key.
func (c *conn) hears(channel string) bool { return pubsub.Own(channel) || c.reads(channel) }
