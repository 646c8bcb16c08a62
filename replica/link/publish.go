package link

import (
	"sync"
	"time"

	"kvd/replica/wire"
)

// Bounds of what clients published and one peer was not sent yet. They are apart from
// the queue of ops, which such messages take nothing from.
const (
	maxPublishedBytes = wire.MaxPublished
	maxPublished      = 1024 // messages
)

// Publish sends what a client published here to every peer that is up, at most once:
// what does not fit, or is under way when a connection breaks, is lost and counted. It never
// blocks. Nobody changes the message afterwards.
func (m *Mesh) Publish(p *wire.Published) {
	now := time.Now()
	m.mu.RLock()
	defer m.mu.RUnlock()
	for name, peer := range m.peers {
		if peer.ctx.Err() == nil && peer.published.offer(p, m.cfg.Faults.plan(name, now)) {
			notify(peer.wake)
		}
	}
}

// announcements is what was published and waits to be sent to one peer, in order. It
// is closed while the peer is down.
type announcements struct {
	mu      sync.Mutex
	open    bool
	waiting []announcement
	bytes   int
	dropped uint64
}

// announcement is a message that all peers' queues share, and when it is due.
type announcement struct {
	due time.Time
	*wire.Published
}

func (p announcement) size() int { return len(p.Channel) + len(p.Message) }

func (q *announcements) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = true
}

// stop closes the queue, and drops what waits.
func (q *announcements) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += uint64(len(q.waiting))
	q.open, q.waiting, q.bytes = false, nil, 0
}

// offer takes a message, or drops and counts it. A fault that doubles messages does
// not double these: they come at most once.
func (q *announcements) offer(p *wire.Published, f fate) bool {
	a := announcement{f.due[0], p}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open || f.n == 0 || len(q.waiting) >= maxPublished || q.bytes+a.size() > maxPublishedBytes {
		q.dropped++
		return false
	}
	q.waiting, q.bytes = append(q.waiting, a), q.bytes+a.size()
	return true
}

// next is the oldest message, once it is due; nil: there is none. Only the writer
// calls it.
func (q *announcements) next(now time.Time) *wire.Published {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 || q.waiting[0].due.After(now) {
		return nil
	}
	a := q.waiting[0]
	q.waiting[0] = announcement{}
	if q.waiting, q.bytes = q.waiting[1:], q.bytes-a.size(); len(q.waiting) == 0 {
		q.waiting = nil
	}
	return a.Published
}

// wait is how long until the oldest message is due; false: there is none.
func (q *announcements) wait(now time.Time) (time.Duration, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return 0, false
	}
	return max(0, q.waiting[0].due.Sub(now)), true
}

func (q *announcements) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) == 0
}

func (q *announcements) lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// gatherPublished appends a published message, if one is due and ops have had as many
// bytes since the last one, or none may be sent. So neither holds the other up for
// longer than by its like.
func (o *outgoing) gatherPublished(out []byte, now time.Time, ops bool) ([]byte, bool) {
	if ops && o.ahead > 0 {
		return out, false
	}
	p := o.published.next(now)
	if p == nil {
		o.ahead = 0
		return out, false
	}
	before := len(out)
	out = wire.AppendPublished(out, p)
	o.ahead = len(out) - before
	o.publishedOut.Add(1)
	return out, true
}

func (in *inbound) takePublished() error {
	p, err := in.dec.Published()
	if err != nil {
		return err
	}
	if f := in.mesh.cfg.OnPublished; f != nil {
		f(in.from, p)
	}
	return nil
}
