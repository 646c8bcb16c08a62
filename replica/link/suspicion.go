package link

import (
	"sync"
	"time"

	"kvd/replica/detect"
)

// beatEvery is how often a core sends a status at least, which is what beats here.
const beatEvery = 200 * time.Millisecond

// lookEvery is how often the mesh looks whether its own process stood still.
const lookEvery = 100 * time.Millisecond

// suspicion is how sure it is that a peer is gone, from what its connection brings.
type suspicion struct {
	mu sync.Mutex
	d  *detect.Detector
}

func newSuspicion() suspicion { return suspicion{d: detect.New(detect.Defaults(beatEvery))} }

// elapsed is a clock that is never set.
func (m *Mesh) elapsed() time.Duration { return time.Since(m.began) + time.Second }

// heard notes a frame of the peer; beat: it is a status.
func (p *peer) heard(beat bool) {
	now := p.mesh.elapsed()
	p.suspicion.mu.Lock()
	defer p.suspicion.mu.Unlock()
	if beat {
		p.suspicion.d.Beat(now)
	} else {
		p.suspicion.d.Hear(now)
	}
}

func (p *peer) phi() float64 {
	p.suspicion.mu.Lock()
	defer p.suspicion.mu.Unlock()
	return p.suspicion.d.Phi(p.mesh.elapsed())
}

// selfDoubt looks whether this process stood still. Whoever did heard nobody, and what has
// arrived meanwhile is read first: nobody is suspected until two beats later.
func (m *Mesh) selfDoubt() {
	var w detect.Watch
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-tick.C:
		}
		now := m.elapsed()
		if w.Tick(now, lookEvery) == 0 {
			continue
		}
		m.mu.RLock()
		for _, p := range m.peers {
			p.suspicion.mu.Lock()
			p.suspicion.d.Excuse(now + 2*beatEvery)
			p.suspicion.mu.Unlock()
		}
		m.mu.RUnlock()
	}
}
