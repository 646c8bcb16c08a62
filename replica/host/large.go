package host

import (
	"fmt"
	"slices"

	"kvd/replica"
	"kvd/resolve"
)

// What a reader is handed is held until its client has taken it, so it is read in
// order within the room that the reader has, and each object once however often it
// is named.

const (
	// largeObject is the size of a stored object from which on few are decoded at a
	// time, and one that is named again is not read again. Copies of what is decoded
	// cannot be counted before they are made.
	largeObject = 256 << 10
	// largeReaders is how many goroutines may decode large objects at a time.
	largeReaders = 4
)

// answer gives the reply what the key shows, or says that there is no room for it.
func (s *shelf) answer(rep *replica.Reply, q *replica.Request, shown resolve.Reading) {
	shown = q.Brief(shown)
	if q.Room != nil && (q.Room.Closed() || !q.Room.Take(replica.Bytes(shown.Values))) {
		rep.Err = noRoom(q)
		return
	}
	rep.Shown = shown
}

func noRoom(q *replica.Request) error {
	return fmt.Errorf("%s %.64q: %w", q.Verb, q.Key, replica.ErrRoom)
}

// inOrder takes back what was answered behind a request that found no room: that
// will be read again later, and nobody may be shown an older moment after it.
func inOrder(reqs []*replica.Request, replies []replica.Reply) {
	if room := reqs[0].Room; !room.Closed() {
		return
	}
	first := slices.IndexFunc(replies, func(r replica.Reply) bool { return r.Err != nil })
	for i := first + 1; i < len(replies); i++ {
		replies[i] = replica.Reply{ID: reqs[i].ID, Err: noRoom(reqs[i])}
	}
}

// storeReader answers the requests of one call from a cut of the store.
type storeReader struct {
	s     *shelf
	past  history
	clock Clock
	large map[string]resolve.Reading // that were read, by key; nil: none was
}

// answer fills in the reply to q; false: the store could not be read.
func (r *storeReader) answer(rep *replica.Reply, q *replica.Request) bool {
	if q.Room.Closed() {
		r.s.answer(rep, q, resolve.Reading{})
		return true
	}
	if shown, again := r.large[q.Key]; again {
		rep.Shown = q.Brief(shown)
		return true
	}
	limit := int64(largeObject)
	if q.Room == nil {
		limit = 1 << 62
	}
	o, size, err := r.past.c.ObjectWithin(q.Key, limit)
	switch {
	case err != nil:
		return false
	case o == nil:
		return r.answerLarge(rep, q, size)
	}
	r.s.answer(rep, q, r.s.showsAt(o, &r.past, r.clock))
	r.s.keep(o, r.past.c)
	return true
}

// answerLarge reads an object that takes size bytes, if there is room for as many.
func (r *storeReader) answerLarge(rep *replica.Reply, q *replica.Request, size int64) bool {
	if !q.Whether && q.Room.Bytes < size {
		q.Room.Take(size)
		rep.Err = noRoom(q)
		return true
	}
	r.s.decoding <- struct{}{}
	defer func() { <-r.s.decoding }()
	o, err := r.past.c.Object(q.Key)
	if err != nil {
		return false
	}
	shown := r.s.showsAt(o, &r.past, r.clock)
	if r.s.answer(rep, q, shown); rep.Err == nil && !q.Whether {
		if r.large == nil {
			r.large = map[string]resolve.Reading{}
		}
		r.large[q.Key] = shown
	}
	r.s.keep(o, r.past.c)
	return true
}

// ReadSnapshot lends use a way to read, as of one moment, what takes more memory at once
// than a caller has. Get answers a Get whose token is covered, within q.Room; of
// what it answers nothing is kept here. It waits for the loop when no cut is at hand,
// and the loop cannot end before use has.
func (l *Loop) ReadSnapshot(use func(get func(q *replica.Request) replica.Reply) error) error {
	c, err := l.cut()
	if err != nil {
		return err
	}
	defer c.release()
	return use(func(q *replica.Request) (rep replica.Reply) {
		r := storeReader{s: l.pump.shelf, past: history{c: c}, clock: l.cfg.Clock}
		if !r.answer(&rep, q) || r.past.err != nil {
			rep = replica.Reply{Err: fmt.Errorf("%s %.64q: the store cannot be read: %w", q.Verb, q.Key, l.ended())}
		}
		return rep
	})
}
