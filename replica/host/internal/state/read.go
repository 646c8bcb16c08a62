package state

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host/internal/cache"
	"kvd/resolve"
	"kvd/storage/codec"
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
	missing := s.readCached(reqs, clock, replies)
	var snap *Snapshot
	if missing > 0 {
		snap = s.acquire()
	}
	s.mu.RUnlock()
	if missing <= 0 {
		return missing == 0
	}
	defer snap.Release()
	return snap != nil && s.readStore(snap, reqs, clock, replies)
}

// readCached answers what the cache knows, and marks the rest; it gives how many those
// are, or less than zero: none is to be answered. The lock is held.
func (s *Committed) readCached(reqs []*replica.Request, clock Clock, replies []replica.Reply) (missing int) {
	if s.closed {
		return -1
	}
	token, knowsAll := s.state.Token(), s.knowsAll()
	for i, q := range reqs {
		if !q.Readable(token.Frontier) {
			return -1
		}
		rep := &replies[i]
		*rep = replica.Reply{ID: q.ID, Token: token}
		e, ok := s.objects.Get(q.Key)
		switch {
		case !ok && !knowsAll && s.doubtful[q.Key]:
			return -1
		case !ok && !knowsAll, ok && e.Mark == pastObject:
			rep.Dot.Seq = missed
			missing++
		case i > 0 && repeats(reqs[i-1], q, &replies[i-1]):
			rep.Shown = q.Brief(replies[i-1].Shown) // held once, however often it is named
		case !ok || e.Mark == noObject:
			answer(rep, q, resolve.Reading{})
		case e.Mark == plainObject:
			answerPlain(rep, q, e)
		case !s.answerDecoded(rep, q, e, clock):
			return -1
		}
	}
	return missing
}

// missed marks a reply that is still to be filled in: a read has no dot.
const missed = ^logical.Seq(0)

// repeats reports whether q asks what the request before it was answered.
func repeats(before, q *replica.Request, rep *replica.Reply) bool {
	return before.Key == q.Key && rep.Err == nil && rep.Dot.Seq != missed && !before.Whether
}

// one is what a key shows of which is only asked whether it shows anything.
var one [1][]byte

// answerPlain gives the reply what an object shows that is not decoded for that.
func answerPlain(rep *replica.Reply, q *replica.Request, e cache.Entry) {
	d, value, _ := codec.Single(e.Value)
	var scratch *replica.Scratch
	switch b := q.Budget; {
	case q.Whether:
		answer(rep, q, resolve.Reading{Values: one[:]})
		return
	case b == nil:
	case b.Closed() || !b.Take(int64(len(value))):
		rep.Err = overBudget(q)
		return
	default:
		scratch = b.Scratch
	}
	if !e.Lasting {
		value = scratch.Copy(value)
	}
	rep.Shown = scratch.Reading(value, d)
}

// answerDecoded gives the reply what an object shows that has more versions than one, or
// a deadline; false: it cannot be decoded.
func (s *Committed) answerDecoded(rep *replica.Reply, q *replica.Request, e cache.Entry, clock Clock) bool {
	b := e.Value
	if !e.Lasting {
		b = slices.Clone(b)
	}
	o, err := codec.DecodeLent(b, q.Key)
	if err == nil {
		answer(rep, q, s.Shows(o, nil, clock))
	}
	return err == nil
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
