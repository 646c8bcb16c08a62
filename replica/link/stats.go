package link

import (
	"maps"
	"slices"

	"kvd/replica"
)

// PeerStats is one peer's, counted since it was made known. It shares no memory with the
// mesh.
type PeerStats struct {
	Peer replica.Leader
	Up   bool // it can be sent to

	OpsOut uint64
	// Of what clients published: PublishedDropped was not sent, because too much waited,
	// the peer was down, or by a planted fault.
	PublishedOut, PublishedDropped uint64

	QueuedBytes int // about; waiting to be sent
	Credit      int // what the peer would take
	Dropped     Dropped
}

// Stats is all peers', by name.
type Stats []PeerStats

// Stats takes a snapshot.
func (m *Mesh) Stats() (all Stats) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(m.peers)) {
		if p := m.peers[name]; p.ctx.Err() == nil {
			all = append(all, p.stats())
		}
	}
	return all
}

func (p *peer) stats() PeerStats {
	s := PeerStats{Peer: p.name, OpsOut: p.opsOut.Load(), PublishedOut: p.publishedOut.Load(), PublishedDropped: p.published.lost()}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	s.Up, s.QueuedBytes, s.Credit, s.Dropped = p.queue.open, p.queue.bytes, p.queue.credit, p.queue.dropped
	return s
}
