package link

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
)

// Sink is where the mesh delivers. It is called from several goroutines, one for
// each peer and direction, and never with a lock held. Close waits for calls in
// progress, so each must return once the leader behind it has stopped.
type Sink interface {
	// Receive takes a message; ops and status are the Sink's. The peer has used
	// credit for a batch, which comes back with [Mesh.Credit]; until then, or while
	// Receive blocks, it can send no more than Config.Window. Others are not
	// affected.
	Receive(from replica.Leader, m replica.Message)
	// PeerUp and PeerDown alternate for each peer, except that PeerDown also
	// comes first when a new peer cannot be reached.
	PeerUp(replica.Leader)
	PeerDown(replica.Leader)
	// Frontier is what has been applied here: at least every op that was ever
	// given to Send.
	Frontier() logical.Frontier
}

// Mesh is one leader's connections to all others.
type Mesh struct {
	cfg   Config
	sink  Sink
	nonce uint64 // tells this process from another of the same name
	began time.Time

	ctx       context.Context // done: every goroutine ends
	cancel    context.CancelFunc
	leaving   context.Context // done: dial no more, send what waits, then go
	leave     context.CancelFunc
	all       sync.WaitGroup
	greetings chan struct{} // a token for each greeting in progress

	mu      sync.RWMutex
	closed  bool
	peers   map[replica.Leader]*peer
	inbound map[replica.Leader]*inbound
}

// New accepts; it dials nobody before SetPeers. The config is validated.
func New(cfg Config, sink Sink) (*Mesh, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Mesh{
		cfg: cfg, sink: sink, nonce: rand.Uint64(), began: time.Now(),
		greetings: make(chan struct{}, cfg.MaxGreetings),
		peers:     map[replica.Leader]*peer{},
		inbound:   map[replica.Leader]*inbound{},
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.leaving, m.leave = context.WithCancel(m.ctx)
	m.all.Go(m.accept)
	m.all.Go(m.selfDoubt)
	return m, nil
}

// SetPeers says who the others are and where. New ones are dialled; those no
// longer named are cut off in both directions. Our own name is passed over. It
// does not block.
func (m *Mesh) SetPeers(addrs map[replica.Leader]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	for name, p := range m.peers {
		if _, stays := addrs[name]; !stays {
			p.cancel()
			if in := m.inbound[name]; in != nil {
				in.kill()
			}
		}
	}
	for name, addr := range addrs {
		if name != m.cfg.Name && name != "" {
			m.setPeer(name, addr)
		}
	}
}

// setPeer starts a peer or tells it its address. One that is ending goes first,
// so that its PeerDown cannot come after the new one's PeerUp.
func (m *Mesh) setPeer(name replica.Leader, addr string) {
	old := m.peers[name]
	if old != nil && old.ctx.Err() == nil {
		old.moveTo(addr)
		return
	}
	p := newPeer(m, name, addr)
	if old != nil {
		p.before = old.done
	}
	m.peers[name] = p
	m.all.Go(p.run)
}

// Send queues a message for a peer and never blocks. It copies what it keeps,
// except the ops themselves, which nobody changes. A message for a peer that is
// down, unknown, or whose queue is full is dropped and counted: the core ships it
// again.
func (m *Mesh) Send(to replica.Leader, msg replica.Message) {
	p := m.peer(to)
	if p == nil {
		return
	}
	p.queue.offer(msg, m.cfg.Faults.plan(to, time.Now()))
	notify(p.wake)
}

// Credit says that bytes of what the peer sent are no longer in memory here, as
// wire.Charge counts them: they were applied, or dropped. It never blocks. What a
// connection that is gone had brought counts for nothing.
func (m *Mesh) Credit(from replica.Leader, bytes int) {
	m.mu.RLock()
	in := m.inbound[from]
	m.mu.RUnlock()
	if in != nil {
		in.owe(bytes)
	}
}

// Underway is about how many bytes of ops wait to be sent to the peer, or were sent and
// have been neither applied nor dropped there: as long as it changes, they are on their
// way. Zero: none are, or the peer is down.
func (m *Mesh) Underway(to replica.Leader) int {
	if p := m.peer(to); p != nil {
		return p.queue.underway()
	}
	return 0
}

// peer is the peer of that name, nil if there is none or it has been removed.
func (m *Mesh) peer(name replica.Leader) *peer {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if p := m.peers[name]; p != nil && p.ctx.Err() == nil {
		return p
	}
	return nil
}

// Close stops accepting, sends what is queued as long as ctx allows, says
// goodbye, and ends every goroutine. The error is ctx's when something queued
// was left unsent.
func (m *Mesh) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		m.all.Wait()
		return nil
	}
	m.closed = true
	peers := make([]*peer, 0, len(m.peers))
	for _, p := range m.peers {
		peers = append(peers, p)
	}
	m.mu.Unlock()

	m.leave()
	lnErr := m.cfg.Listener.Close()
	err := flush(ctx, peers)
	m.cancel()
	m.all.Wait()
	if errors.Is(lnErr, net.ErrClosed) {
		lnErr = nil
	}
	return errors.Join(err, lnErr)
}

func flush(ctx context.Context, peers []*peer) error {
	for _, p := range peers {
		select {
		case <-p.done:
		case <-ctx.Done():
			return fmt.Errorf("link: close: messages to %s may be unsent: %w", p.name, ctx.Err())
		}
	}
	return nil
}

// forget drops a peer that was removed and has ended.
func (m *Mesh) forget(p *peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peers[p.name] == p && !m.closed {
		delete(m.peers, p.name)
	}
}

func (m *Mesh) hello(to string) wire.Hello {
	return wire.Hello{
		VersionMin: protocolMin, VersionMax: protocolMax,
		Cluster: m.cfg.Cluster, Leader: string(m.cfg.Name), To: to, Origin: m.cfg.Origin, Nonce: m.nonce,
		Policy: m.cfg.Policy, RESP: m.cfg.RESP, HTTP: m.cfg.HTTP, Frontier: m.sink.Frontier(),
	}
}

func (m *Mesh) accept() {
	for {
		conn, err := m.cfg.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of descriptors, or the like: it passes
			select {
			case <-time.After(50 * time.Millisecond):
			case <-m.ctx.Done():
				return
			}
		default:
			m.admit(conn)
		}
	}
}

// admit gives the connection a goroutine, if one more greeting may be
// in progress.
func (m *Mesh) admit(conn net.Conn) {
	select {
	case m.greetings <- struct{}{}:
		m.all.Go(func() { m.host(conn) })
	default:
		m.emit(Event{Kind: Slow, Addr: conn.RemoteAddr().String(), Err: fmt.Errorf("%d greetings are in progress already", cap(m.greetings))})
		_ = conn.Close()
	}
}

func (m *Mesh) host(raw net.Conn) {
	stop := context.AfterFunc(m.ctx, func() { _ = raw.Close() })
	in, err := m.receive(raw)
	<-m.greetings
	stop()
	if err != nil {
		_ = raw.Close()
		m.logFailure(raw, err)
		return
	}
	if in != nil {
		in.run()
	}
}

func (m *Mesh) newDecoder(conn net.Conn) *wire.Decoder {
	return wire.NewDecoder(bufio.NewReaderSize(conn, 64<<10), m.cfg.wire())
}
