package node

import (
	"sync"
	"sync/atomic"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

// The channels that RESP clients can subscribe to.
const (
	lossesChannel = "kvd:losses"     // of the resolver that serves the key
	allChannel    = "kvd:losses:all" // of those that watch as well
)

// hub tells whoever listens of losses as they happen:
//
//	loop ─▶ waiting ─▶ one goroutine: encode once ─▶ each listener's queue ─▶ RESP, SSE
//
// Both queues are bounded, and when one is full the oldest go and are counted, so
// that the loop never waits for the goroutine, nor that for a reader. While nobody
// listens an event costs a look at a counter.
type hub struct {
	leader string
	serves func(key string) resolve.ID
	nameOf func(logical.Origin) string
	// op reads the log beside the loop; it is asked by the hub's goroutine alone.
	op func(logical.Dot) (*resolve.Op, bool, error)

	readers atomic.Int32
	missed  atomic.Uint64 // messages that readers were passed over with
	bell    chan struct{} // something waits

	mu        sync.Mutex
	waiting   []told
	bytes     int         // of their keys
	passed    [2]uint64   // events that went because too many waited, by serving
	listeners []*listener // a new slice whenever it changes

	last logical.Dot // whose value is kept: what the resolvers of a panel say of a write comes together
	kept value
}

// told is a verdict of one resolver.
type told struct {
	replica.Judged
	by resolve.ID
}

// What waits for the hub's goroutine at most.
const (
	mostWaiting  = 8192    // events
	waitingBytes = 4 << 20 // of their keys
)

// newHub is for a leader of that name.
func (l *Leader) newHub() *hub {
	return &hub{
		leader: l.cfg.Name, bell: make(chan struct{}, 1), nameOf: l.nameOf, serves: l.cfg.serves,
		op: func(d logical.Dot) (*resolve.Op, bool, error) { return l.store.Op(d) },
	}
}

// serves is which resolver serves a key.
func (c *Config) serves(key string) resolve.ID { return c.Policy.Panel(key).Serving }

// observe is told every event on the loop's goroutine, once it is durable.
func (l *Leader) observe(e replica.Event) {
	l.metrics.Observe(e)
	switch e := e.(type) {
	case replica.Applied:
		l.watchOrigins(e.Op)
	case replica.Judged:
		l.hub.tell(e)
	case replica.WritesRefused, replica.WritesAllowed:
		l.logRefusal(e)
	case replica.Unsendable:
		l.logUnsendable(e)
	case replica.OriginTwice, replica.LogsDiffer, replica.ConflictFound:
		l.logConflict(e)
	}
}

// tell takes a verdict that the ledger inserted. It never waits for a reader.
func (h *hub) tell(e replica.Judged) {
	if h.readers.Load() == 0 || !e.Verdict.Retracted && !e.Verdict.Relation.Lost() {
		return
	}
	h.mu.Lock()
	for id := range e.Verdict.Resolvers.Each {
		h.waiting = append(h.waiting, told{e, id})
		h.bytes += len(e.Key)
	}
	for len(h.waiting) > mostWaiting || h.bytes > waitingBytes {
		h.passed[role(h.serving(&h.waiting[0]))]++
		h.bytes -= len(h.waiting[0].Key)
		h.waiting = h.waiting[1:]
	}
	h.mu.Unlock()
	select {
	case h.bell <- struct{}{}:
	default:
	}
}

func (h *hub) serving(e *told) bool { return h.serves(e.Key) == e.by }

func role(serving bool) int {
	if serving {
		return 1
	}
	return 0
}

// run spreads what is told until the loop has ended, and what it told last.
func (h *hub) run(ended <-chan struct{}) {
	for {
		select {
		case <-h.bell:
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
func (h *hub) spread() {
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

// listen begins a queue.
func (h *hub) listen(prefix string, all bool, reads func(string) bool, bell func()) *listener {
	r := &listener{hub: h, prefix: prefix, all: all, reads: reads, bell: bell}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners = append(append([]*listener(nil), h.listeners...), r)
	h.readers.Store(int32(len(h.listeners)))
	return r
}

func (h *hub) forget(r *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var others []*listener
	for _, o := range h.listeners {
		if o != r {
			others = append(others, o)
		}
	}
	h.listeners = others
	h.readers.Store(int32(len(others)))
}

// channels is the hub as RESP sees it.
type channels struct{ *hub }

var _ server.Feeds = channels{}

// Channels are both, ascending.
func (c channels) Channels() []string { return []string{lossesChannel, allChannel} }

// Listen begins a queue for a subscriber.
func (c channels) Listen(channel string, reads func(string) bool, bell func()) server.Feed {
	return subscriber{c.listen("", channel == allChannel, reads, bell)}
}

// subscriber is a listener that is not told the event's name apart.
type subscriber struct{ *listener }

// Next is the oldest message.
func (s subscriber) Next() ([]byte, bool) {
	_, data, ok := s.listener.Next()
	return data, ok
}

// events is the hub as the console sees it.
type events struct{ *hub }

var _ console.Losses = events{}

// Listen begins a queue for a reader of the page.
func (e events) Listen(prefix string, all bool, reads func(string) bool, bell func()) console.Feed {
	return e.listen(prefix, all, reads, bell)
}

// feeds is what the status says of them.
func (h *hub) feeds() console.Feeds {
	return console.Feeds{Readers: int(h.readers.Load()), Missed: h.missed.Load()}
}
