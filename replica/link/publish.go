package link

import (
	"time"

	"kvd/replica/wire"
)

// Bounds of what clients published and one peer was not sent yet. They are apart from
// those of ops, which such messages take nothing from.
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
		if peer.ctx.Err() == nil && peer.queue.publish(p, m.cfg.Faults.plan(name, now)) {
			notify(peer.wake)
		}
	}
}

// announcement is a message that all peers' queues share, and when it is due.
type announcement struct {
	due time.Time
	*wire.Published
}

func (p announcement) size() int { return len(p.Channel) + len(p.Message) }

// publish takes a message, or drops and counts it. A fault that doubles messages does
// not double these: they come at most once.
func (q *queue) publish(p *wire.Published, f fate) bool {
	a := announcement{f.due[0], p}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open || f.n == 0 || len(q.published) >= maxPublished || q.publishedBytes+a.size() > maxPublishedBytes {
		q.unpublished++
		return false
	}
	q.published, q.publishedBytes = append(q.published, a), q.publishedBytes+a.size()
	return true
}

// nextPublished is the oldest message, once it is due; nil: there is none. Only the
// writer calls it.
func (q *queue) nextPublished(now time.Time) *wire.Published {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.published) == 0 || q.published[0].due.After(now) {
		return nil
	}
	a := q.published[0]
	q.published[0] = announcement{}
	if q.published, q.publishedBytes = q.published[1:], q.publishedBytes-a.size(); len(q.published) == 0 {
		q.published = nil
	}
	return a.Published
}

// gatherPublished appends a published message, if one is due and ops have had as many
// bytes since the last one, or none may be sent. So neither holds the other up for
// longer than by its like.
func (o *outgoing) gatherPublished(out []byte, now time.Time, ops bool) ([]byte, bool) {
	if ops && o.ahead > 0 {
		return out, false
	}
	p := o.queue.nextPublished(now)
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
