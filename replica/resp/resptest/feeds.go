package resptest

import (
	"slices"
	"sync"

	"kvd/replica/resp/pubsub"
)

// Feeds is channels on which a test tells. Queues are not bounded.
type Feeds struct {
	mu      sync.Mutex
	names   []string
	readers []*reader
}

// NewFeeds makes channels of these names.
func NewFeeds(names ...string) *Feeds {
	slices.Sort(names)
	return &Feeds{names: names}
}

type reader struct {
	feeds   *Feeds
	channel string
	wake    func()
	queue   [][]byte
	woken   bool // wake was called since Next had nothing
}

// Channels are the names.
func (f *Feeds) Channels() []string { return f.names }

// Listen begins a queue. A message is of no key, so all are woken.
func (f *Feeds) Listen(channel string, _ func(string) bool, wake func()) pubsub.Feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &reader{feeds: f, channel: channel, wake: wake}
	f.readers = append(f.readers, r)
	return r
}

// Tell says something to all who listen to the channel. It waits for nobody.
func (f *Feeds) Tell(channel, message string) {
	var wakes []func()
	f.mu.Lock()
	for _, r := range f.readers {
		if r.channel != channel {
			continue
		}
		r.queue = append(r.queue, []byte(message))
		if !r.woken {
			r.woken = true
			wakes = append(wakes, r.wake)
		}
	}
	f.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

// Readers counts who listens.
func (f *Feeds) Readers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.readers)
}

// Next is the oldest message.
func (r *reader) Next() ([]byte, bool) {
	r.feeds.mu.Lock()
	defer r.feeds.mu.Unlock()
	if len(r.queue) == 0 {
		r.woken = false
		return nil, false
	}
	m := r.queue[0]
	r.queue = r.queue[1:]
	return m, true
}

// Close ends the queue.
func (r *reader) Close() {
	r.feeds.mu.Lock()
	defer r.feeds.mu.Unlock()
	r.feeds.readers = slices.DeleteFunc(r.feeds.readers, func(o *reader) bool { return o == r })
}

var (
	_ pubsub.Feeds = (*Feeds)(nil)
	_ pubsub.Feed  = (*reader)(nil)
)
