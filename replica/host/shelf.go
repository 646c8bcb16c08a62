package host

import (
	"sync"
	"sync/atomic"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// shelf is what of a leader is durable, laid out for those who read beside its
// loop: the state of the last commit, decoded objects, and a cut of the store for
// all others. The pump writes to it when a commit is durable and never before;
// pebble itself shows a batch before it is synced.
//
// State, cache and cut belong to one moment: who holds the lock sees one causal
// cut of the leader. The cut of the store costs a little at each commit, so it is
// made only while somebody asks for what is not decoded.
type shelf struct {
	store  *storage.Store
	policy *resolve.Policy

	wanted atomic.Int32 // commits for which a cut is still to be made
	mortal atomic.Bool  // an object may have a deadline that no sweep has looked at
	open   sync.WaitGroup
	looked atomic.Bool  // the core has compared its clock with its peers'
	agreed atomic.Int64 // the time they agree on, less the stopwatch

	mu     sync.RWMutex
	state  replica.State
	cache  cache
	cut    *cut // of the last commit; nil: none was wanted
	closed bool
	// doubtful, while the disk has failed, is the keys of the batch that failed, if
	// the cut may show it; nil: it does not.
	doubtful map[string]bool
	more     population    // less that at the start
	ends     endings       // when they end, less those at the start until they are counted
	next     chan struct{} // closed at the next commit; nil: nobody waits

	decoding chan struct{} // as many as may decode large objects at a time

	counting sync.Mutex // held by whoever counts the keys for the first time
	counted  bool
	base     population // at the start
}

// cut is a shared cut of the store.
type cut struct {
	*storage.Cut
	refs  atomic.Int32
	whole *shelf
}

// lastingDemand is for how many commits a cut is made after somebody wanted one.
const lastingDemand = 64

func newShelf(store *storage.Store, policy *resolve.Policy, st replica.State, cacheBytes int64) *shelf {
	s := &shelf{store: store, policy: policy, state: st, cache: newCache(cacheBytes), decoding: make(chan struct{}, largeReaders)}
	s.mortal.Store(true) // nobody has looked yet
	return s
}

// now is the time that the leader and its peers agree on, by which values end.
func (s *shelf) now(clock Clock) wallclock.Instant {
	m := clock.Now()
	if !s.looked.Load() {
		return m.Wall.Midpoint()
	}
	return wallclock.Instant(s.agreed.Load()) + wallclock.Instant(m.Mono)
}

// agree takes in what the core has found out about the time.
func (s *shelf) agree(a wallclock.Agreement) {
	s.agreed.Store(int64(a.Time(0)))
	s.looked.Store(a.Looked())
}

// publish takes in what is durable now: the objects that the batch held, which
// nobody changes any more, and by how many the keys grew that hold something.
// Stored says that there was a batch.
func (s *shelf) publish(st replica.State, objects []*resolve.Object, grown growth, stored bool) {
	s.mu.Lock()
	for _, o := range objects {
		s.cache.put(o)
		if o.Mortal() {
			s.mortal.Store(true)
		}
	}
	s.state, s.more = st, s.more.plus(grown.population)
	for _, m := range grown.moved {
		s.ends.add(m.at, m.n)
	}
	old := s.cut
	if stored {
		s.cut = nil
	}
	if s.cut == nil && !s.closed && s.wanted.Load() > 0 {
		s.wanted.Add(-1)
		s.cut = s.newCut()
	}
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
	s.mu.Unlock()
	if stored {
		old.release()
	}
}

func (s *shelf) newCut() *cut {
	c := &cut{Cut: s.store.Cut(), whole: s}
	c.refs.Store(1)
	s.open.Add(1)
	return c
}

// release gives one hold on the cut back; nil is held by nobody.
func (c *cut) release() {
	if c == nil || c.refs.Add(-1) > 0 {
		return
	}
	_ = c.Close() // a snapshot in memory: nothing can be lost
	c.whole.open.Done()
}

// hold is the cut at hand, to be released; nil: there is none, and the next
// commit makes one. The lock is held.
func (s *shelf) hold() *cut {
	s.wanted.Store(lastingDemand)
	if s.cut != nil {
		s.cut.refs.Add(1)
	}
	return s.cut
}

// freeze makes reading go on after the disk failed, from what was durable before:
// a cut of then if there is one, else one of now, in which nobody can tell what of
// the failed batch shows.
func (s *shelf) freeze(failed []*resolve.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut == nil && !s.closed {
		s.cut, s.doubtful = s.newCut(), map[string]bool{}
		for _, o := range failed {
			s.doubtful[o.Key] = true
		}
	}
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}

// close waits until nobody reads the store any more. Nothing is read afterwards.
func (s *shelf) close() {
	s.mu.Lock()
	old := s.cut
	s.cut, s.closed = nil, true
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
	s.mu.Unlock()
	old.release()
	s.open.Wait()
}

// object is the key's decoded object, which nobody changes; nil: ask the store.
func (s *shelf) object(key string) *resolve.Object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.cache.find(key); e != nil {
		return e.object
	}
	return nil
}

// keep takes in an object that the store held at from; nil: that it holds now,
// said by whoever writes to it.
func (s *shelf) keep(o *resolve.Object, from *cut) {
	if s.cache.limit == 0 || len(o.Versions) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if from == nil || from == s.cut {
		s.cache.put(o)
	}
}

// read answers requests that are all for reading, as of one moment, and reports
// whether it could: one that must wait, or is malformed, or asks for what is not
// at hand, needs the loop. Nothing is answered then.
func (s *shelf) read(reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
	room := reqs[0].Room
	if room == nil {
		return s.readWithin(reqs, clock, replies)
	}
	before := *room
	answered := s.readWithin(reqs, clock, replies)
	if !answered {
		*room = before // the loop begins anew
	}
	return answered
}

func (s *shelf) readWithin(reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return false
	}
	token, missing := s.state.Token(), 0
	for i, q := range reqs {
		if !q.Readable(token.Frontier) {
			s.mu.RUnlock()
			return false
		}
		replies[i] = replica.Reply{ID: q.ID, Token: token}
		if e := s.cache.find(q.Key); e == nil && s.doubtful[q.Key] {
			s.mu.RUnlock()
			return false
		} else if e == nil || e.object.Duplicates {
			replies[i].Dot.Seq = missed
			missing++
		} else {
			if i > 0 && reqs[i-1].Key == q.Key && replies[i-1].Err == nil && replies[i-1].Dot.Seq != missed && !reqs[i-1].Whether {
				replies[i].Shown = q.Brief(replies[i-1].Shown) // held once, however often it is named
				continue
			}
			s.answer(&replies[i], q, s.shows(e, clock))
		}
	}
	var c *cut
	if missing > 0 {
		c = s.hold()
	}
	s.mu.RUnlock()
	if missing == 0 {
		return true
	}
	defer c.release()
	return c != nil && s.readStore(c, reqs, clock, replies)
}

// missed marks a reply that is still to be filled in: a read has no dot.
const missed = ^logical.Seq(0)

// shows is what the entry shows. Most objects show the same at any time, and that
// is remembered.
func (s *shelf) shows(e *entry, clock Clock) resolve.Reading {
	if r := e.reading.Load(); r != nil {
		return *r
	}
	panel := s.policy.Panel(e.object.Key)
	if e.object.Mortal() {
		r, _ := panel.ReadAt(e.object, nil, s.now(clock))
		return r
	}
	r := panel.Read(e.object, nil)
	e.reading.Store(&r)
	return r
}

// readStore fills in what is marked, from the cut. A read that fails is left to
// the loop, which fails too and stops the leader.
func (s *shelf) readStore(c *cut, reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
	r := storeReader{s: s, past: history{c: c}, clock: clock}
	for i, q := range reqs {
		if replies[i].Dot.Seq != missed {
			continue
		}
		replies[i].Dot = logical.Dot{}
		if !r.answer(&replies[i], q) {
			return false
		}
	}
	inOrder(reqs, replies)
	return r.past.err == nil
}

// showsAt is what an object shows, now if that matters.
func (s *shelf) showsAt(o *resolve.Object, past resolve.History, clock Clock) resolve.Reading {
	var now wallclock.Instant
	if o.Mortal() {
		now = s.now(clock)
	}
	r, _ := s.policy.Panel(o.Key).ReadAt(o, past, now)
	return r
}

// history is the past as a cut holds it. The first error sticks.
type history struct {
	c   *cut
	err error
}

var _ resolve.History = (*history)(nil)

func (h *history) Op(d logical.Dot) (*resolve.Op, bool) {
	op, ok, err := h.c.Op(d)
	return op, ok && !h.fail(err)
}

func (h *history) Duplicates(d logical.Dot) []logical.Dot {
	dots, err := h.c.Duplicates(d)
	h.fail(err)
	return dots
}

func (h *history) Lost(key string, d logical.Dot) resolve.Mask {
	row, held, err := h.c.RowOf(key, d)
	if h.fail(err) || !held {
		return 0
	}
	return row.Resolvers()
}

func (h *history) fail(err error) bool {
	if err != nil && h.err == nil {
		h.err = err
	}
	return err != nil
}
