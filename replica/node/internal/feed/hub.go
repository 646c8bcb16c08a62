package feed

import (
	"slices"
	"sync"
	"sync/atomic"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/resp/pubsub"
	"kvd/resolve"
)

// The channels that RESP clients can subscribe to.
const (
	lossesChannel = "kvd:losses"     // of the resolver that serves the key
	allChannel    = "kvd:losses:all" // of those that watch as well
)

// Hub tells whoever listens of losses as they happen:
//
//	loop ─▶ waiting ─▶ one goroutine: encode once ─▶ each listener's queue ─▶ RESP, SSE
//
// Both queues are bounded, and when one is full the oldest go and are counted, so
// that the loop never waits for the goroutine, nor that for a reader. While nobody
// listens an event costs the read of a counter.
type Hub struct {
	cfg Config

	readers atomic.Int32
	missed  atomic.Uint64 // messages that readers were passed over with
	wake    chan struct{} // something waits

	mu        sync.Mutex
	waiting   []event
	bytes     int         // of their keys
	passed    [2]uint64   // events that went because too many waited, by serving
	listeners []*listener // a new slice whenever it changes

	last  logical.Dot // whose value is cached: what the resolvers of a panel say of a write comes together
	value value
}

type event struct {
	replica.Judged
	by resolve.ID
}

// What waits for the hub's goroutine at most.
const (
	maxWaiting      = 8192    // events
	maxWaitingBytes = 4 << 20 // of their keys
)

// Config is what a hub is told once.
type Config struct {
	Leader string                      // its name
	Serves func(key string) resolve.ID // which resolver serves a key; it must not wait
	NameOf func(logical.Origin) string // the leader that an origin is of; empty: it was never heard
	// Op reads the log; it is asked by the hub's goroutine alone.
	Op func(logical.Dot) (*resolve.Op, bool, error)
}

// New makes a hub that nobody listens to yet.
func New(c Config) *Hub { return &Hub{cfg: c, wake: make(chan struct{}, 1)} }

// Tell takes a verdict that the ledger inserted. It never waits for a reader.
func (h *Hub) Tell(e *replica.Judged) {
	if h.readers.Load() == 0 || !e.Verdict.Retracted && !e.Verdict.Relation.Lost() {
		return
	}
	h.mu.Lock()
	for id := range e.Verdict.Resolvers.Each {
		h.waiting = append(h.waiting, event{*e, id})
		h.bytes += len(e.Key)
	}
	for len(h.waiting) > maxWaiting || h.bytes > maxWaitingBytes {
		h.passed[role(h.serving(&h.waiting[0]))]++
		h.bytes -= len(h.waiting[0].Key)
		h.waiting = h.waiting[1:]
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *Hub) serving(e *event) bool { return h.cfg.Serves(e.Key) == e.by }

func role(serving bool) int {
	if serving {
		return 1
	}
	return 0
}

// Run spreads what is told until the loop has ended, and what it told last.
func (h *Hub) Run(ended <-chan struct{}) {
	for {
		select {
		case <-h.wake:
			h.spread()
		case <-ended:
			h.spread()
			return
		}
	}
}

// spread hands what waits to those it concerns. What could not wait was older, so
// that is told first. Whether it concerned keys that a reader asked for is not
// known any more: such a reader is told of as many as may have.
func (h *Hub) spread() {
	h.mu.Lock()
	events, passed, listeners := h.waiting, h.passed, h.listeners
	h.waiting, h.bytes, h.passed = nil, 0, [2]uint64{}
	h.mu.Unlock()
	for _, r := range listeners {
		if n := passed[1] + passed[0]*uint64(role(r.all)); n > 0 {
			h.missed.Add(n)
			r.offer(missedMessage(n))
		}
	}
	for i := range events {
		e, serving := &events[i], h.serving(&events[i])
		var m *message
		for _, r := range listeners {
			if !r.wants(e.Key, serving) {
				continue
			}
			if m == nil {
				m = h.encode(e, serving)
			}
			r.offer(m)
		}
	}
}

func (h *Hub) listen(prefix string, all bool, reads func(string) bool, wake func()) *listener {
	r := &listener{hub: h, prefix: prefix, all: all, reads: reads, wake: wake}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners = append(append([]*listener(nil), h.listeners...), r)
	h.readers.Store(int32(len(h.listeners)))
	return r
}

func (h *Hub) forget(r *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners = slices.DeleteFunc(slices.Clone(h.listeners), func(o *listener) bool { return o == r })
	h.readers.Store(int32(len(h.listeners)))
}

// Channels is the hub as RESP sees it.
func (h *Hub) Channels() pubsub.Feeds { return channels{h} }

type channels struct{ hub *Hub }

var _ pubsub.Feeds = channels{}

// Channels are both, ascending.
func (c channels) Channels() []string { return []string{lossesChannel, allChannel} }

func (c channels) Listen(channel string, reads func(string) bool, wake func()) pubsub.Feed {
	return subscriber{c.hub.listen("", channel == allChannel, reads, wake)}
}

// subscriber is a listener that is not told the event's name apart.
type subscriber struct{ *listener }

func (s subscriber) Next() ([]byte, bool) {
	_, data, ok := s.listener.Next()
	return data, ok
}

// Page is the hub as the console sees it.
func (h *Hub) Page() console.Losses {
	return func(prefix string, all bool, reads func(string) bool, wake func()) console.Feed {
		return h.listen(prefix, all, reads, wake)
	}
}

// Stats is what the status says of the readers.
func (h *Hub) Stats() console.Feeds {
	return console.Feeds{Readers: int(h.readers.Load()), Missed: h.missed.Load()}
}
