package link

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica"
	"kvd/replica/wire"
)

// peer is one other leader as seen from here: the goroutine that dials it and
// writes to it, and the queue between.
type peer struct {
	mesh   *Mesh
	name   replica.Leader
	ctx    context.Context // done: removed, or the mesh is closed
	cancel context.CancelFunc
	before <-chan struct{} // nil, or closed when the peer of this name before it has ended
	done   chan struct{}   // closed when run has ended

	queue   queue
	wake    chan struct{} // there may be something to send
	again   chan struct{} // dial now: the peer has just been seen alive
	origin  atomic.Uint64 // the peer's origin while it is up, else zero
	version atomic.Uint64 // that is spoken with it, likewise

	suspicion suspicion

	opsOut, publishedOut atomic.Uint64 // sent, over all its connections

	mu   sync.Mutex
	addr string
}

func newPeer(m *Mesh, name replica.Leader, addr string) *peer {
	p := &peer{
		mesh: m, name: name, addr: addr,
		done: make(chan struct{}), wake: make(chan struct{}, 1), again: make(chan struct{}, 1), suspicion: newSuspicion(),
	}
	p.ctx, p.cancel = context.WithCancel(m.ctx)
	p.queue.limit = m.cfg.SendQueueBytes
	return p
}

func (p *peer) run() {
	defer close(p.done)
	defer p.mesh.forget(p)
	defer p.cancel()
	if p.before != nil {
		<-p.before
	}
	var rest rest
	for told := false; p.mesh.leaving.Err() == nil && p.ctx.Err() == nil; told = true {
		began := time.Now()
		s, err := p.connect()
		if err == nil {
			err = p.serve(s)
			rest.lived(time.Since(began), p.mesh.cfg.Backoff)
		} else if p.failed(err); !told {
			p.mesh.sink.PeerDown(p.name)
		}
		select {
		case <-time.After(rest.next(p.mesh.cfg.Backoff, err)):
		case <-p.again: // the peer is seen alive
		case <-p.mesh.leaving.Done():
		case <-p.ctx.Done():
		}
	}
}

func (p *peer) connect() (*session, error) {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(p.mesh.leaving, cancel)()
	s, err := p.mesh.invite(ctx, p.name, p.address(), wire.KindHello)
	if err != nil {
		return nil, err
	}
	if no := p.mesh.hold(p, s.hello.Origin); no != nil {
		p.mesh.tellShared(no, &s.hello)
		err := p.mesh.refuse(s.conn, p.name, no)
		_ = s.conn.Close()
		return nil, err
	}
	return s, nil
}

func (p *peer) serve(s *session) error {
	p.version.Store(s.version)
	p.queue.start(s.given)
	p.mesh.emit(Event{Kind: Up, Peer: p.name, Addr: s.conn.RemoteAddr().String()})
	p.mesh.sink.PeerUp(p.name)

	o := &outgoing{peer: p, s: s, enc: wire.NewEncoder(p.mesh.cfg.wire()), ended: make(chan struct{})}
	err := o.run()

	p.queue.stop()
	p.origin.Store(0)
	p.version.Store(0)
	p.mesh.emit(Event{Kind: Down, Peer: p.name, Addr: s.conn.RemoteAddr().String(), Err: err})
	p.mesh.sink.PeerDown(p.name)
	return err
}

func (p *peer) failed(err error) {
	e := Event{Kind: DialFailed, Peer: p.name, Addr: p.address(), Err: err}
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		e.Kind = Refused
		if refused.By == p.mesh.cfg.Name {
			e.Kind = Rejected
		}
	}
	if p.ctx.Err() == nil {
		p.mesh.emit(e)
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *peer) moveTo(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.addr != addr {
		p.addr = addr
		notify(p.again)
	}
}

func (p *peer) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addr
}

// rest is how often dialling has failed in a row.
type rest struct{ failures int }

// lived forgets failures after a connection that lasted; one that breaks at once
// counts as one more.
func (r *rest) lived(d time.Duration, b Backoff) {
	if d >= b.Max {
		r.failures = 0
	}
}

// next is how long to rest: full jitter (Brooker 2015), so that leaders that
// lost each other at one moment do not dial again at one moment. A refusal that
// only an operator can end is not asked again soon.
func (r *rest) next(b Backoff, err error) time.Duration {
	longest := b.Max
	if r.failures < 32 {
		longest = min(longest, b.Min<<r.failures)
	}
	r.failures++
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.Reason.Lasting() {
		return b.Refused/2 + rand.N(b.Refused/2+1)
	}
	return rand.N(longest + 1)
}

// PeerStats is one peer's, counted since it was made known. It shares no memory with the
// mesh.
type PeerStats struct {
	Peer replica.Leader
	Up   bool // it can be sent to
	// Since is when Up became what it is; zero: it was never up.
	Since time.Time

	// Phi is how sure it is that the peer is gone, as package detect has it; zero: nothing was heard yet.
	Phi float64

	OpsOut uint64
	// Of what clients published: PublishedDropped was not sent, because too much waited,
	// the peer was down, or by a planted fault.
	PublishedOut, PublishedDropped uint64

	QueuedBytes int // about; waiting to be sent
	Credit      int // what the peer would take
	Dropped     Dropped
}

// For is whether it can be sent to, and for how many seconds that is so; nil: it never was.
func (s PeerStats) For() (up bool, seconds *float64) {
	if s.Since.IsZero() {
		return s.Up, nil
	}
	n := time.Since(s.Since).Seconds()
	return s.Up, &n
}

// Stats is all peers', by name.
type Stats []PeerStats

// Stats takes a snapshot.
func (m *Mesh) Stats() (all Stats) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(m.peers)) {
		if p := m.peers[name]; p.ctx.Err() == nil {
			q, phi := &p.queue, p.phi()
			q.mu.Lock()
			all = append(all, PeerStats{Peer: p.name, Up: q.open, Since: q.since, Phi: phi, OpsOut: p.opsOut.Load(), PublishedOut: p.publishedOut.Load(),
				PublishedDropped: q.unpublished, QueuedBytes: q.bytes, Credit: q.credit, Dropped: q.dropped})
			q.mu.Unlock()
		}
	}
	return all
}
