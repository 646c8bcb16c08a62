package state

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// What a reader is handed is held until its client has taken it, so it is read in
// order within the budget that the reader has, and each object once however often it
// is named.

const (
	// largeObject is the size of a stored object from which on few are decoded at a
	// time, and one that is named again is not read again. Copies of what is decoded
	// cannot be counted before they are made.
	largeObject = 256 << 10
	// largeReaders is how many goroutines may decode large objects at a time.
	largeReaders = 4
)

// Read answers requests that are all for reading, as of one moment, and reports
// whether it could: one that must wait, or is malformed, or asks for what is not
// at hand, needs the loop. Nothing is answered then.
func (s *Committed) Read(reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
	budget := reqs[0].Budget
	if budget == nil {
		return s.readWithin(reqs, clock, replies)
	}
	before := *budget
	answered := s.readWithin(reqs, clock, replies)
	if !answered {
		*budget = before // the loop begins anew
	}
	return answered
}

func (s *Committed) readWithin(reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
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
			answer(&replies[i], q, s.shows(e, clock))
		}
	}
	var snap *Snapshot
	if missing > 0 {
		snap = s.acquire()
	}
	s.mu.RUnlock()
	if missing == 0 {
		return true
	}
	defer snap.Release()
	return snap != nil && s.readStore(snap, reqs, clock, replies)
}

// missed marks a reply that is still to be filled in: a read has no dot.
const missed = ^logical.Seq(0)

// shows is what the entry shows. Most objects show the same at any time, and that
// is remembered.
func (s *Committed) shows(e *entry, clock Clock) resolve.Reading {
	if r := e.reading.Load(); r != nil {
		return *r
	}
	panel := s.Policy.Panel(e.object.Key)
	if e.object.HasTTL() {
		r, _ := panel.ReadAt(e.object, nil, s.Now(clock))
		return r
	}
	r := panel.Read(e.object, nil)
	e.reading.Store(&r)
	return r
}

// readStore fills in what is marked, from the snapshot. A read that fails is left to
// the loop, which fails too and stops the leader.
func (s *Committed) readStore(snap *Snapshot, reqs []*replica.Request, clock Clock, replies []replica.Reply) bool {
	r := storeReader{s: s, past: History{snap: snap}, clock: clock}
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

// Shows is what an object shows, now if that matters.
func (s *Committed) Shows(o *resolve.Object, past resolve.History, clock Clock) resolve.Reading {
	var now wallclock.Instant
	if o.HasTTL() {
		now = s.Now(clock)
	}
	r, _ := s.Policy.Panel(o.Key).ReadAt(o, past, now)
	return r
}

// answer gives the reply what the key shows, or says that it is over the budget.
func answer(rep *replica.Reply, q *replica.Request, shown resolve.Reading) {
	shown = q.Brief(shown)
	if q.Budget != nil && (q.Budget.Closed() || !q.Budget.Take(replica.Bytes(shown.Values))) {
		rep.Err = overBudget(q)
		return
	}
	rep.Shown = shown
}

func overBudget(q *replica.Request) error {
	return fmt.Errorf("%s %.64q: %w", q.Verb, q.Key, replica.ErrBudget)
}

// inOrder takes back what was answered behind a request that was over the budget:
// that will be read again later, and nobody may be shown an older moment after it.
func inOrder(reqs []*replica.Request, replies []replica.Reply) {
	if budget := reqs[0].Budget; !budget.Closed() {
		return
	}
	first := slices.IndexFunc(replies, func(r replica.Reply) bool { return r.Err != nil })
	for i := first + 1; i < len(replies); i++ {
		replies[i] = replica.Reply{ID: reqs[i].ID, Err: overBudget(reqs[i])}
	}
}

// storeReader answers the requests of one call from a snapshot.
type storeReader struct {
	s     *Committed
	past  History
	clock Clock
	large map[string]resolve.Reading // that were read, by key; nil: none was
}

// ReadFrom answers one Get from a snapshot, within its budget; false: the store could
// not be read.
func (s *Committed) ReadFrom(snap *Snapshot, q *replica.Request, clock Clock) (rep replica.Reply, ok bool) {
	r := storeReader{s: s, past: History{snap: snap}, clock: clock}
	ok = r.answer(&rep, q) && r.past.err == nil
	return rep, ok
}

// answer fills in the reply to q; false: the store could not be read.
func (r *storeReader) answer(rep *replica.Reply, q *replica.Request) bool {
	if q.Budget.Closed() {
		answer(rep, q, resolve.Reading{})
		return true
	}
	if shown, again := r.large[q.Key]; again {
		rep.Shown = q.Brief(shown)
		return true
	}
	limit := int64(largeObject)
	if q.Budget == nil {
		limit = 1 << 62
	}
	o, size, err := r.past.snap.ObjectWithin(q.Key, limit)
	switch {
	case err != nil:
		return false
	case o == nil:
		return r.answerLarge(rep, q, size)
	}
	answer(rep, q, r.s.Shows(o, &r.past, r.clock))
	r.s.keep(o, r.past.snap)
	return true
}

// answerLarge reads an object that takes size bytes, if the budget allows as many.
func (r *storeReader) answerLarge(rep *replica.Reply, q *replica.Request, size int64) bool {
	if !q.Whether && q.Budget.Bytes < size {
		q.Budget.Take(size)
		rep.Err = overBudget(q)
		return true
	}
	r.s.decoding <- struct{}{}
	defer func() { <-r.s.decoding }()
	o, err := r.past.snap.Object(q.Key)
	if err != nil {
		return false
	}
	shown := r.s.Shows(o, &r.past, r.clock)
	if answer(rep, q, shown); rep.Err == nil && !q.Whether {
		if r.large == nil {
			r.large = map[string]resolve.Reading{}
		}
		r.large[q.Key] = shown
	}
	r.s.keep(o, r.past.snap)
	return true
}
