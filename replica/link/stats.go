package link

import (
	"maps"
	"slices"
	"sync/atomic"

	"kvd/logical"
	"kvd/replica"
)

// meshCounters count what belongs to no peer.
type meshCounters struct {
	garbage, slow, rejected, unknown atomic.Uint64
}

// peerCounters are one peer's, over all its connections.
type peerCounters struct {
	connects                atomic.Uint64
	bytesIn, bytesOut       atomic.Uint64
	opsIn, opsOut           atomic.Uint64
	statusesIn, statusesOut atomic.Uint64

	publishedIn, publishedOut atomic.Uint64
}

// Stats is a snapshot of the mesh; it shares no memory with it.
type Stats struct {
	Garbage  uint64 // connections closed over bytes no leader sends
	Slow     uint64 // greetings cut off or turned away
	Rejected uint64 // leaders we refused
	Unknown  uint64 // messages for nobody known
	Peers    []PeerStats
}

// PeerStats is one peer's, bytes and messages since it was made known.
type PeerStats struct {
	Peer   replica.Leader
	Addr   string
	Up     bool           // it can be sent to
	Origin logical.Origin // while up

	Connects                uint64
	BytesIn, BytesOut       uint64
	OpsIn, OpsOut           uint64
	StatusesIn, StatusesOut uint64

	// Of what clients published: PublishedDropped was not sent, because too much waited,
	// the peer was down, or by a planted fault.
	PublishedIn, PublishedOut, PublishedDropped uint64

	QueuedBytes int // about; waiting to be sent
	Credit      int // what the peer would take
	InboxCharge int // credit the peer has used and not got back
	Dropped     Dropped
	LastError   string // why it is down
}

// Stats takes a snapshot, peers by name.
func (m *Mesh) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := Stats{
		Garbage: m.count.garbage.Load(), Slow: m.count.slow.Load(),
		Rejected: m.count.rejected.Load(), Unknown: m.count.unknown.Load(),
	}
	for _, name := range slices.Sorted(maps.Keys(m.peers)) {
		if p := m.peers[name]; p.ctx.Err() == nil {
			s.Peers = append(s.Peers, p.stats(m.inbound[name]))
		}
	}
	return s
}

func (p *peer) stats(in *inbound) PeerStats {
	c := &p.count
	s := PeerStats{
		Peer: p.name, Addr: p.address(), Origin: logical.Origin(p.origin.Load()),
		Connects: c.connects.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		OpsIn: c.opsIn.Load(), OpsOut: c.opsOut.Load(),
		StatusesIn: c.statusesIn.Load(), StatusesOut: c.statusesOut.Load(),
		PublishedIn: c.publishedIn.Load(), PublishedOut: c.publishedOut.Load(), PublishedDropped: p.published.lost(),
	}
	p.queue.describe(&s)
	if in != nil {
		s.InboxCharge = in.used()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lastErr != nil {
		s.LastError = p.lastErr.Error()
	}
	return s
}

func (q *queue) describe(s *PeerStats) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.Up, s.QueuedBytes, s.Credit, s.Dropped = q.open, q.bytes, q.credit, q.dropped
}

func (in *inbound) used() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.mesh.cfg.Window - in.window
}
