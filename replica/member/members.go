package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/serf/serf"
)

// Members is this leader's membership of its cluster. All methods may be called
// from anywhere, but Close not from the callback.
type Members struct {
	cfg    Config
	pace   pace
	serf   *serf.Serf
	guard  *guard
	log    *slog.Logger
	events chan serf.Event
	dirty  chan struct{} // of one: something may have changed
	tell   func(View)

	stop    context.CancelFunc // ends watching, joining and dialling
	workers sync.WaitGroup     // what stop ends
	drained chan struct{}      // closed: nobody sends events any more
	drainer sync.WaitGroup

	written []byte // the snapshot as it is in its file

	joining sync.Mutex // a seed is being asked

	mu      sync.Mutex
	view    View
	known   []knownMember
	heard   []Forgetting // said by leaders, and not told yet
	joined  bool
	tried   bool
	trouble error
	conf    *serf.Config  // serf reads of it, when it leaves, how long that takes
	leave   chan struct{} // not nil: leaving has begun; closed: it is over
	left    error         // how it ended
	closed  bool
}

// eventQueue is how many of serf's events may wait. Only that they happened
// matters, so the queue is nearly always empty.
const eventQueue = 256

// Start binds, begins to gossip, and goes on joining in the background until
// one answered; that no seed answers is no error. tell is given a fresh View
// whenever it changed, by one goroutine; while it runs, changes gather. It must
// not call Close.
//
// cfg must not be changed any more. The caller must call Close.
func Start(cfg Config, tell func(View)) (*Members, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Members{
		cfg: cfg, pace: cfg.Profile.pace(), tell: tell, stop: stop,
		log:     cfg.Logger.With("leader", cfg.Name),
		events:  make(chan serf.Event, eventQueue),
		dirty:   make(chan struct{}, 1),
		drained: make(chan struct{}),
	}
	known, damaged, err := loadSnapshot(cfg.SnapshotPath)
	if damaged != "" {
		m.log.Warn("the snapshot of members is damaged; what is whole of it is taken, and it is written anew", "kept", damaged, "known", len(known))
	}
	if m.known = known; err == nil {
		err = m.saveSnapshot() // what cannot be written is found out now
	}
	if err == nil {
		err = m.open(ctx)
	}
	if err != nil {
		stop()
		return nil, err
	}
	m.joined = len(m.unjoined()) == 0
	m.tried = m.joined
	m.refresh()
	m.workers.Go(func() { m.watch(ctx) })
	m.workers.Go(func() { m.join(ctx) })
	return m, nil
}

func (m *Members) open(ctx context.Context) error {
	conf := m.cfg.Profile.serfConfig()
	m.conf = conf
	conf.NodeName, conf.Tags = m.cfg.Name, m.cfg.tags()
	conf.EventCh, conf.Logger = m.events, serfLogger(m.log)
	gossip := conf.MemberlistConfig
	gossip.Logger, gossip.SecretKey = conf.Logger, m.cfg.GossipKey
	net, self, err := bind(ctx, &m.cfg, gossip)
	if err != nil {
		return err
	}
	m.guard = &guard{name: m.cfg.Name, self: self, tags: conf.Tags, known: map[string]string{}, replaced: map[string]bool{}}
	gossip.Transport, gossip.Merge, gossip.Alive = net, m.guard, m.guard
	m.drainer.Go(m.drain)
	if m.serf, err = serf.Create(conf); err != nil {
		close(m.drained)
		m.drainer.Wait()
		net.Shutdown()
		return fmt.Errorf("member: start serf: %w", err)
	}
	return nil
}

// Addr is the gossip address that others are told, host:port.
func (m *Members) Addr() string { return m.guard.self }

// View is the newest one; it is never older than what the callback was given.
func (m *Members) View() View {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.view
}

// Leave tells the others that this leader goes, so that they need not find out.
// Gossip goes on until Close, for whoever asks. With ctx ended it returns early and
// leaving goes on; called again, it waits for the same.
func (m *Members) Leave(ctx context.Context) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errors.New("member: leave after close")
	}
	if m.leave == nil {
		m.leave = make(chan struct{})
		go m.leaving()
	}
	over := m.leave
	m.mu.Unlock()
	select {
	case <-over:
		return m.left
	case <-ctx.Done():
		return fmt.Errorf("member: leave: %w; the others will find out by themselves", ctx.Err())
	}
}

func (m *Members) leaving() {
	if !slices.ContainsFunc(m.serf.Members(), func(o serf.Member) bool { return o.Name != m.cfg.Name && o.Status == serf.StatusAlive }) {
		m.conf.LeavePropagateDelay = 0 // nobody is there to be told
	}
	m.joining.Lock()
	err := m.serf.Leave()
	m.joining.Unlock()
	if err != nil {
		m.left = fmt.Errorf("member: leave: %w; the others will find out by themselves", err)
	}
	m.changed()
	close(m.leave)
}

// Forget removes a member that has failed or left, at every leader. One that is
// alive is not removed: it would come back.
func (m *Members) Forget(name string) error {
	found, ok := m.View().Find(name)
	if !ok {
		return fmt.Errorf("member: forget %q: nobody of that name is known", name)
	}
	if found.Status != Failed && found.Status != Left {
		return fmt.Errorf("member: forget %q: it is %s; stop it first", name, found.Status)
	}
	if err := m.serf.RemoveFailedNodePrune(name); err != nil {
		return fmt.Errorf("member: forget %q: %w; try again", name, err)
	}
	return nil
}

// Close stops gossip; without Leave before, the others see a failure. It waits
// for a Leave that is under way. The callback is not called afterwards. A
// probe that was under way, and streams that others had opened, end by
// themselves within the gossip timeouts (5 s).
func (m *Members) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	leave := m.leave
	m.mu.Unlock()
	if leave != nil {
		<-leave // memberlist panics when it is shut down amid leaving
	}
	m.stop()
	m.workers.Wait()
	err := m.serf.Shutdown()
	close(m.drained)
	m.drainer.Wait()
	if err != nil {
		return fmt.Errorf("member: close: %w", err)
	}
	return nil
}

// drain takes serf's events until serf is down: serf holds a lock while it hands
// one over.
func (m *Members) drain() {
	for {
		select {
		case e := <-m.events:
			m.hear(e)
			m.changed()
		case <-m.drained:
			return
		}
	}
}

// changed says that the view may have changed.
func (m *Members) changed() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// watch tells of each change. It also polls: that somebody is about to leave
// is no event of serf's.
func (m *Members) watch(ctx context.Context) {
	ticker := time.NewTicker(m.pace.poll)
	defer ticker.Stop()
	m.tell(m.View())
	for {
		select {
		case <-m.dirty:
		case <-ticker.C:
		case <-ctx.Done():
			m.refresh()
			m.keep()
			return
		}
		if m.refresh() {
			m.tell(m.View())
		}
		m.tellHeard()
		m.keep()
	}
}

// keep saves the snapshot; a failure is logged and nothing else.
func (m *Members) keep() {
	if err := m.saveSnapshot(); err != nil {
		m.log.Warn("members are not remembered", "why", err)
	}
}

// refresh makes a new view, and reports whether it differs from the old one.
func (m *Members) refresh() bool {
	m.mu.Lock()
	tried := m.tried // before the list, which then has whoever answered
	m.mu.Unlock()
	list := members(m.serf.Members())
	m.guard.mark(list)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range list {
		m.joined = m.joined || other.Name != m.cfg.Name && other.Status == Alive
	}
	if m.joined {
		m.trouble = nil
	}
	m.known = slices.DeleteFunc(m.known, func(a knownMember) bool { // the view has whoever is in the list
		return slices.ContainsFunc(list, func(k Member) bool { return k.Name == a.name })
	})
	fresh := View{Members: list, Joined: m.joined, Tried: tried, Trouble: m.trouble, Rival: m.guard.takeRival()}
	if fresh.Equal(m.view) {
		return false
	}
	m.view = fresh
	return true
}
