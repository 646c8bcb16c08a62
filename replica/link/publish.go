package link

import (
	"time"

	"kvd/replica"
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

// Repair sends a peer what it compares its objects by, at most wire.MaxRepair bytes, at most
// once, and reports whether it was queued. It never blocks. The body is the mesh's.
func (m *Mesh) Repair(to replica.Leader, body []byte) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	peer := m.peers[to]
	if peer == nil || peer.ctx.Err() != nil || peer.version.Load() < repairVersion || !peer.queue.repair(body, m.cfg.Faults.plan(to, time.Now())) {
		return false
	}
	notify(peer.wake)
	return true
}

// announcement is a message of a client that all peers' queues share, or what is said of
// repair, and when it is due.
type announcement struct {
	due    time.Time
	public *wire.Published // nil: it is repair
	repair []byte
}

func (p announcement) size() int {
	if p.public == nil {
		return len(p.repair)
	}
	return len(p.public.Channel) + len(p.public.Message)
}

func (p announcement) append(dst []byte) []byte {
	if p.public == nil {
		return wire.AppendRepair(dst, p.repair)
	}
	return wire.AppendPublished(dst, p.public)
}

// publish takes a message, or drops and counts it. A fault that doubles messages does
// not double these: they come at most once.
func (q *queue) publish(p *wire.Published, f fate) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.announce(announcement{public: p}, f) {
		q.unpublished++
		return false
	}
	return true
}

// repair takes what is said of repair, or drops it: whoever waits for an answer asks again.
func (q *queue) repair(body []byte, f fate) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.announce(announcement{repair: body}, f)
}

// announce takes a if there is room for it. q.mu is held.
func (q *queue) announce(a announcement, f fate) bool {
	a.due = f.due[0]
	if !q.open || f.n == 0 || len(q.published) >= maxPublished || q.publishedBytes+a.size() > maxPublishedBytes {
		return false
	}
	q.published, q.publishedBytes = append(q.published, a), q.publishedBytes+a.size()
	return true
}

// nextPublished is the oldest message, once it is due; false: there is none. Only the
// writer calls it.
func (q *queue) nextPublished(now time.Time) (announcement, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.published) == 0 || q.published[0].due.After(now) {
		return announcement{}, false
	}
	a := q.published[0]
	q.published[0] = announcement{}
	if q.published, q.publishedBytes = q.published[1:], q.publishedBytes-a.size(); len(q.published) == 0 {
		q.published = nil
	}
	return a, true
}

// gatherPublished appends a published message, if one is due and ops have had as many
// bytes since the last one, or none may be sent. So neither holds the other up for
// longer than by its like.
func (o *outgoing) gatherPublished(out []byte, now time.Time, ops bool) ([]byte, bool) {
	if ops && o.ahead > 0 {
		return out, false
	}
	p, any := o.queue.nextPublished(now)
	if !any {
		o.ahead = 0
		return out, false
	}
	before := len(out)
	out = p.append(out)
	o.ahead = len(out) - before
	if p.public != nil {
		o.publishedOut.Add(1)
	}
	return out, true
}

func (in *inbound) takeRepair() error {
	body, err := in.dec.Repair()
	if err != nil {
		return err
	}
	if f := in.mesh.cfg.OnRepair; f != nil {
		f(in.from, body)
	}
	return nil
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
