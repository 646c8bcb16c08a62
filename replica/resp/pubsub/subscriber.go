package pubsub

import (
	"maps"
	"slices"

	"kvd/replica/resp"
)

// Subscriber is what one connection listens to, by name and by pattern. It belongs to the
// connection's goroutine, but for what wakes it.
type Subscriber struct {
	broker *Broker
	feeds  Feeds // nil: the leader has no channels of its own
	reads  func(key string) bool
	wake   func()
	cut    func()

	channels map[string]struct{}
	patterns []string // ascending; never changed in place
	open     []openFeed
	queue    *queue // nil: it has listened to nothing
}

type openFeed struct {
	channel string
	feed    Feed
}

// NewSubscriber is one that listens to nothing. reads says of which keys and channels its
// user may be told, and is called from any goroutine. Wake is called, on any goroutine, when
// something waits after Next had nothing; cut when too much does.
func NewSubscriber(b *Broker, f Feeds, reads func(string) bool, wake, cut func()) *Subscriber {
	return &Subscriber{broker: b, feeds: f, reads: reads, wake: wake, cut: cut}
}

// Channels are the names it listens to, ascending.
func (s *Subscriber) Channels() []string { return slices.Sorted(maps.Keys(s.channels)) }

// Patterns are the patterns it listens to, ascending. Nobody changes the slice.
func (s *Subscriber) Patterns() []string { return s.patterns }

// Counts is how many names and patterns there are.
func (s *Subscriber) Counts() (channels, patterns int) { return len(s.channels), len(s.patterns) }

// Count is how many subscriptions there are.
func (s *Subscriber) Count() int { return len(s.channels) + len(s.patterns) }

// Has reports whether it listens to the name, or, if pattern, to the pattern.
func (s *Subscriber) Has(name string, pattern bool) bool {
	if pattern {
		_, there := slices.BinarySearch(s.patterns, name)
		return there
	}
	_, there := s.channels[name]
	return there
}

// Add begins to listen to a name or a pattern. It changes nothing if it does already.
func (s *Subscriber) Add(name string, pattern bool) {
	if s.Has(name, pattern) {
		return
	}
	if s.queue == nil {
		s.queue = &queue{budget: s.broker.budget, wake: s.wake, cut: s.cut}
		s.channels = map[string]struct{}{}
	}
	if pattern {
		i, _ := slices.BinarySearch(s.patterns, name)
		s.patterns = slices.Insert(slices.Clone(s.patterns), i, name)
	} else {
		s.channels[name] = struct{}{}
	}
	s.broker.join(pattern, name, s.queue)
}

// Remove ends listening to a name or a pattern, and reports whether it did.
func (s *Subscriber) Remove(name string, pattern bool) bool {
	if !s.Has(name, pattern) {
		return false
	}
	if pattern {
		i, _ := slices.BinarySearch(s.patterns, name)
		s.patterns = slices.Delete(slices.Clone(s.patterns), i, i+1)
	} else {
		delete(s.channels, name)
	}
	s.broker.leave(pattern, name, s.queue)
	return true
}

// Clear ends all subscriptions.
func (s *Subscriber) Clear() {
	if s.queue != nil {
		for n := range s.channels {
			s.broker.leave(false, n, s.queue)
		}
		for _, p := range s.patterns {
			s.broker.leave(true, p, s.queue)
		}
		s.broker.close(s.queue)
	}
	s.channels, s.patterns, s.queue = nil, nil, nil
	s.Tune()
}

// Tune opens and closes the feeds of the leader's own channels as the subscriptions say. It
// is called when those have changed.
func (s *Subscriber) Tune() {
	if s.feeds == nil {
		return
	}
	var open []openFeed
	for _, name := range s.feeds.Channels() {
		i := slices.IndexFunc(s.open, func(f openFeed) bool { return f.channel == name })
		switch covered := s.covers(name); {
		case covered && i >= 0:
			open = append(open, s.open[i])
		case covered:
			open = append(open, openFeed{name, s.feeds.Listen(name, s.reads, s.wake)})
		case i >= 0:
			s.open[i].feed.Close()
		}
	}
	s.open = open
}

func (s *Subscriber) covers(channel string) bool {
	return s.Has(channel, false) || slices.ContainsFunc(s.patterns, func(p string) bool { return Matches(p, channel) })
}

// Push writes up to one message of the queue and of each feed, and answers how many.
func (s *Subscriber) Push(w *resp.Writer) (pushed int) {
	if s.PushPublished(w) {
		pushed++
	}
	for _, f := range s.open {
		if m, ok := f.feed.Next(); ok {
			s.write(w, f.channel, m)
			pushed++
		}
	}
	return pushed
}

// PushPublished writes the oldest message that was published; false: there is none now.
func (s *Subscriber) PushPublished(w *resp.Writer) bool {
	if s.queue == nil {
		return false
	}
	m := s.queue.next()
	if m == nil {
		return false
	}
	if s.reads(m.channel) { // its user's rights may be others by now
		s.write(w, m.channel, m.payload)
	}
	m.release(s.broker.budget)
	return true
}

// Waiting is how many published messages wait.
func (s *Subscriber) Waiting() int {
	if s.queue == nil {
		return 0
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.waiting)
}

// write writes a message once for each subscription that it matches, as Redis does.
func (s *Subscriber) write(w *resp.Writer, channel string, message []byte) {
	if s.Has(channel, false) {
		w.Push(3)
		w.Text("message")
		w.Text(channel)
		w.Bulk(message)
	}
	for _, p := range s.patterns {
		if Matches(p, channel) {
			w.Push(4)
			w.Text("pmessage")
			w.Text(p)
			w.Text(channel)
			w.Bulk(message)
		}
	}
}
