package state

import (
	"sync"
	"sync/atomic"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host/internal/cache"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// Clock reads both clocks of the machine. It is asked by several goroutines.
type Clock interface{ Now() wallclock.Moment }

// Committed is what of a leader is durable, laid out for the lock-free read path:
// the state of the last commit, encoded objects, and a snapshot of the store for
// everything else. The pump publishes to it when a commit is durable and never
// before; pebble itself shows a batch before it is synced.
//
// State, cache and snapshot belong to one moment: who holds the lock sees one causal
// cut of the leader. A snapshot costs a little at each commit, so it is made only
// while somebody asks for what is not in the cache.
type Committed struct {
	Store  *storage.Store
	Policy *resolve.Policy
	// Expiring says that an object may have a deadline that no sweep has looked at.
	Expiring atomic.Bool

	wanted   atomic.Int32 // commits for which a snapshot is still to be made
	open     sync.WaitGroup
	compared atomic.Bool  // the core has compared its clock with its peers'
	agreed   atomic.Int64 // the time they agree on, less the stopwatch

	mu       sync.RWMutex
	state    replica.State
	objects  *cache.Cache // encoded, as the store holds them
	whole    bool         // every object there is was put into the cache; what is gone from it, it says
	snapshot *Snapshot    // of the last commit; nil: none was wanted
	closed   bool
	// doubtful, while the disk has failed, is the keys of the batch that failed, if
	// the snapshot may show it; nil: it does not.
	doubtful map[string]bool
	more     population    // less that at the start
	expiries expiries      // when they expire, less those at the start until they are counted
	next     chan struct{} // closed at the next commit; nil: nobody waits

	decoding chan struct{} // as many as may decode large objects at a time
	marks    []uint8       // scratch of the pump's, as keys
	keys     []string

	counting sync.Mutex // held by whoever counts the keys for the first time
	counted  bool
	base     population // at the start
}

// NewCommitted shows st and what the store holds now. CacheBytes bounds the memory of the
// objects that are kept beside it.
func NewCommitted(store *storage.Store, policy *resolve.Policy, st replica.State, cacheBytes int64) *Committed {
	s := &Committed{Store: store, Policy: policy, state: st, objects: cache.New(cacheBytes), decoding: make(chan struct{}, largeReaders)}
	s.Expiring.Store(true) // nobody has looked yet
	_, found, err := store.State()
	s.whole = !found && err == nil // nothing was ever stored
	s.counted = s.whole            // so that there is nothing to look through, now or later
	return s
}

// Now is the time that the leader and its peers agree on, by which values expire.
func (s *Committed) Now(clock Clock) wallclock.Instant {
	m := clock.Now()
	if !s.compared.Load() {
		return m.Wall.Midpoint()
	}
	return wallclock.Instant(s.agreed.Load()) + wallclock.Instant(m.Mono)
}

// Agree takes in what the core has found out about the time.
func (s *Committed) Agree(a wallclock.Agreement) {
	s.agreed.Store(int64(a.Time(0)))
	s.compared.Store(a.Observed())
}

// Frontier is that of the last commit.
func (s *Committed) Frontier() logical.Frontier {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.Frontier
}

// Cached is how many objects are kept in memory, and what is allocated for them.
func (s *Committed) Cached() (objects int, bytes int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects.Len(), s.objects.Bytes()
}

// publish takes in what is durable now: the objects that the batch held, which
// nobody changes any more, and by how many the keys grew that hold something.
func (s *Committed) publish(g *sealed) {
	s.Agree(g.agreed)
	for _, o := range g.dirty {
		s.noteTTL(o)
		s.marks = append(s.marks, s.markOf(o))
	}
	s.mu.Lock()
	s.putAll(g)
	s.state, s.more = g.state, s.more.plus(g.grown.population)
	for _, m := range g.grown.moved {
		s.expiries.add(m.at, m.n)
	}
	old := s.snapshot
	switch {
	case s.closed:
		old = g.snapshot
	case g.stored || old == nil:
		s.snapshot = g.snapshot
	default:
		old = g.snapshot
	}
	s.wake()
	s.mu.Unlock()
	s.marks = s.marks[:0]
	old.Release()
}

// noteTTL lets sweeps know of an object with a deadline.
func (s *Committed) noteTTL(o *resolve.Object) {
	if o.HasTTL() {
		s.Expiring.Store(true)
	}
}

// snapshotFor is the store as it is now, if somebody wants it and has none. Stored says
// that the store has changed since.
func (s *Committed) snapshotFor(stored bool) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.snapshot != nil && !stored || s.wanted.Load() <= 0 {
		return nil
	}
	s.wanted.Add(-1)
	snap := s.newSnapshot()
	if s.Store.Disk().Err() != nil { // it is not whole, and the leader is about to halt
		snap.Release()
		return nil
	}
	return snap
}

// wake lets those go on who wait for a snapshot. The lock is held.
func (s *Committed) wake() {
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}

// freeze makes reading go on after the disk failed, from what was durable before:
// a snapshot of then if there is one, else one of now, in which nobody can tell what
// of the failed batch shows.
func (s *Committed) freeze(failed []*resolve.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil && !s.closed {
		s.snapshot, s.doubtful = s.newSnapshot(), map[string]bool{}
		for _, o := range failed {
			s.doubtful[o.Key] = true
		}
	}
	s.wake()
}

// Close waits until nobody reads the store any more. Nothing is read afterwards.
func (s *Committed) Close() {
	s.mu.Lock()
	old := s.snapshot
	s.snapshot, s.closed = nil, true
	s.objects.Close()
	s.wake()
	s.mu.Unlock()
	old.Release()
	s.open.Wait()
}
