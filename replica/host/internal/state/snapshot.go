package state

import (
	"sync/atomic"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
)

// Snapshot is the store as it was durable at one commit, shared by its readers.
type Snapshot struct {
	*storage.Snapshot
	refs      atomic.Int32
	committed *Committed
}

// snapshotDemand is for how many commits a snapshot is made after somebody wanted one.
const snapshotDemand = 64

// newSnapshot is the store as it is now. If the store has failed, scans of it may lack
// objects: only what is read by key is all there.
func (s *Committed) newSnapshot() *Snapshot {
	snap := &Snapshot{Snapshot: s.Store.Snapshot(), committed: s}
	snap.refs.Store(1)
	s.open.Add(1)
	return snap
}

// Release gives one reference back; a nil snapshot has none.
func (snap *Snapshot) Release() {
	if snap == nil || snap.refs.Add(-1) > 0 {
		return
	}
	_ = snap.Close() // it is in memory: nothing can be lost
	snap.committed.open.Done()
}

// Snapshot is the store as it is durable, to be released; nil: nothing is read any
// more. While there is none it calls commit, which must make a commit follow, and
// waits for that.
func (s *Committed) Snapshot(commit func()) *Snapshot { return s.snapshotAnd(commit, nil) }

// snapshotAnd is Snapshot, and calls at the moment that it shows; nil: nothing is called.
func (s *Committed) snapshotAnd(commit, at func()) *Snapshot {
	for {
		snap, wait := s.take(at)
		if snap != nil || wait == nil {
			return snap
		}
		commit()
		<-wait
	}
}

// Acquire is the snapshot at hand, to be released, or what to wait for once a commit
// follows; neither: nothing is read any more.
func (s *Committed) Acquire() (*Snapshot, <-chan struct{}) { return s.take(nil) }

// take is the snapshot at hand, or what to wait for; neither: nothing is read any
// more.
func (s *Committed) take(at func()) (*Snapshot, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.doubtful != nil {
		return nil, nil
	}
	if snap := s.acquire(); snap != nil {
		if at != nil {
			at()
		}
		return snap, nil
	}
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return nil, s.next
}

// acquire is the snapshot at hand, to be released; nil: there is none, and the next
// commit makes one. The lock is held.
func (s *Committed) acquire() *Snapshot {
	s.wanted.Store(snapshotDemand)
	if s.snapshot != nil {
		s.snapshot.refs.Add(1)
	}
	return s.snapshot
}

// History is the past as a snapshot holds it. The first error sticks.
type History struct {
	snap *Snapshot
	err  error
}

var _ resolve.History = (*History)(nil)

// History is the past that a resolver may ask for.
func (snap *Snapshot) History() *History { return &History{snap: snap} }

// Err is the first read that failed: everything answered after it is worthless.
func (h *History) Err() error { return h.err }

// Op is the op with dot d.
func (h *History) Op(d logical.Dot) (*resolve.Op, bool) {
	op, ok, err := h.snap.Op(d)
	return op, ok && !h.fail(err)
}

// Duplicates is all dots of d's request.
func (h *History) Duplicates(d logical.Dot) []logical.Dot {
	dots, err := h.snap.Duplicates(d)
	h.fail(err)
	return dots
}

// Lost is the resolvers under which the ledger holds d as lost.
func (h *History) Lost(key string, d logical.Dot) resolve.Mask {
	row, held, err := h.snap.RowOf(key, d)
	if h.fail(err) || !held {
		return 0
	}
	return row.Resolvers()
}

func (h *History) fail(err error) bool {
	if err != nil && h.err == nil {
		h.err = err
	}
	return err != nil
}
