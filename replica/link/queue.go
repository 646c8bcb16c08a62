package link

import (
	"slices"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
)

// queue is what waits to be sent to one peer: the newest status, the batches in
// order, and the messages that a fault delays. It is closed while the peer is
// down; then everything is dropped, since the core ships from the peer's
// frontier when it is up again.
type queue struct {
	mu     sync.Mutex
	open   bool
	since  time.Time // when open changed; zero: never
	limit  int       // bytes; a batch is taken while fewer than that wait
	credit int       // what the peer takes before it grants more; may fall below zero by one frame

	status  *replica.Status
	batches []parcel
	line    []delayed                  // by due
	bytes   int                        // of batches, and of those in line
	given   int                        // credit at the start
	gone    int                        // bytes of the first op that were written already, in parts
	waits   map[logical.Origin]stretch // what waits, as far as it follows each other

	// What clients published, in order: what waits, bytes of that, and how many were not
	// sent.
	published      []announcement
	publishedBytes int
	unpublished    uint64

	full    int // batches dropped since the last report
	dropped Dropped
}

// Dropped counts messages that were dropped at the sender.
type Dropped struct {
	Full      uint64 // batches: the queue was full
	Down      uint64 // the peer was down
	Faults    uint64 // lost on purpose
	Coalesced uint64 // statuses: a newer one came before it was sent
	Again     uint64 // batches: all of it waited to be sent already
}

// parcel is a batch, or what is left of it. The slice is the queue's, the ops
// are shared and immutable.
type parcel struct {
	ops   []*resolve.Op
	bytes int
}

// stretch is ops of one origin without gaps.
type stretch struct{ from, to logical.Seq }

// delayed is a message that waits for its time. status is nil for a parcel.
type delayed struct {
	due    time.Time
	status *replica.Status
	parcel parcel
}

func (q *queue) start(credit int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.credit, q.given, q.gone, q.waits = true, credit, credit, 0, map[logical.Origin]stretch{}
	q.since = time.Now()
}

func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open {
		q.since = time.Now()
	}
	q.dropped.Down += uint64(len(q.batches) + len(q.line))
	q.unpublished += uint64(len(q.published))
	q.open, q.status, q.batches, q.line, q.bytes, q.waits = false, nil, nil, nil, 0, nil
	q.published, q.publishedBytes = nil, 0
}

func (q *queue) offer(m replica.Message, f fate) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.open:
		q.dropped.Down++
		return
	case f.n == 0:
		q.dropped.Faults++
		return
	}
	switch m := m.(type) {
	case *replica.Batch:
		ops := q.unqueued(m.Ops)
		if len(ops) == 0 {
			q.dropped.Again++
			return
		}
		for _, due := range f.due[:f.n] {
			q.addBatch(parcel{ops, wire.Charge(ops)}, due)
		}
	case *replica.Status:
		s := *m
		s.Frontier = m.Frontier.Clone()
		for _, due := range f.due[:f.n] {
			q.add(delayed{due: due, status: &s})
		}
	}
}

// unqueued is the ops that do not wait here already: what the core ships again because
// it was not acknowledged can only have been lost once it has left. The slice is the
// queue's.
func (q *queue) unqueued(ops []*resolve.Op) []*resolve.Op {
	var s stretch
	var origin logical.Origin
	return slices.DeleteFunc(slices.Clone(ops), func(op *resolve.Op) bool {
		if op.Dot.Origin != origin {
			origin, s = op.Dot.Origin, q.waits[op.Dot.Origin]
		}
		return s.to != 0 && op.Dot.Seq >= s.from && op.Dot.Seq <= s.to
	})
}

// addBatch takes the batch if it fits; a single one always does.
func (q *queue) addBatch(p parcel, due time.Time) {
	if q.bytes >= q.limit {
		q.full++
		q.dropped.Full++
		return
	}
	q.bytes += p.bytes
	q.note(p.ops)
	q.add(delayed{due: due, parcel: p})
}

// note remembers that the ops wait. What does not follow upon what waits of its origin
// replaces it.
func (q *queue) note(ops []*resolve.Op) {
	for i := 0; i < len(ops); {
		first := ops[i].Dot
		to := first.Seq
		for i++; i < len(ops) && ops[i].Dot.Origin == first.Origin && ops[i].Dot.Seq == to+1; i++ {
			to++
		}
		s := q.waits[first.Origin]
		if s.to == 0 || first.Seq != s.to+1 {
			s.from = first.Seq
		}
		q.waits[first.Origin] = stretch{s.from, to}
	}
}

// left remembers that the ops wait no longer.
func (q *queue) left(ops []*resolve.Op) {
	for i := 0; i < len(ops); {
		first := ops[i].Dot
		to := first.Seq
		for i++; i < len(ops) && ops[i].Dot.Origin == first.Origin; i++ {
			to = ops[i].Dot.Seq
		}
		switch s := q.waits[first.Origin]; {
		case s.to == 0 || to < s.from || to > s.to:
		case to == s.to:
			delete(q.waits, first.Origin)
		default:
			q.waits[first.Origin] = stretch{to + 1, s.to}
		}
	}
}

func (q *queue) wrote(bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gone = bytes
}

// underway is about how many bytes wait here, or were sent and are still in the peer's
// hands.
func (q *queue) underway() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return 0
	}
	return max(0, q.bytes-q.gone) + max(0, q.given-q.credit)
}

// add queues what is due at once, unless something before it waits.
func (q *queue) add(h delayed) {
	if h.due.IsZero() && len(q.line) == 0 {
		q.deliver(h)
		return
	}
	i, _ := slices.BinarySearchFunc(q.line, h, func(a, b delayed) int {
		if a.due.After(b.due) {
			return 1
		}
		return -1 // equal ones keep their order
	})
	q.line = slices.Insert(q.line, i, h)
}

// deliver queues a message whose time has come. Of two statuses the
// newer stays.
func (q *queue) deliver(h delayed) {
	if h.status == nil {
		q.batches = append(q.batches, h.parcel)
		return
	}
	if old := q.status; old != nil {
		q.dropped.Coalesced++
		if old.Origin == h.status.Origin && old.Number > h.status.Number {
			return
		}
	}
	q.status = h.status
}

// next is what to send now: a status, or ops if there is credit for them. The
// ops stay in the queue until took says how many of them went. Only the writer
// calls it.
func (q *queue) next(now time.Time) (*replica.Status, []*resolve.Op) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for ; n < len(q.line) && !q.line[n].due.After(now); n++ {
		q.deliver(q.line[n])
	}
	q.line = slices.Delete(q.line, 0, n)
	if s := q.status; s != nil {
		q.status = nil
		return s, nil
	}
	if q.credit > 0 && len(q.batches) > 0 {
		return nil, q.batches[0].ops
	}
	return nil, nil
}

// took removes n ops from the first batch and pays for them.
func (q *queue) took(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := &q.batches[0]
	charge := wire.Charge(first.ops[:n])
	q.left(first.ops[:n])
	q.gone = 0
	q.credit -= charge
	first.bytes -= charge
	q.bytes -= charge
	if first.ops = first.ops[n:]; len(first.ops) > 0 {
		return
	}
	q.batches[0] = parcel{}
	if q.batches = q.batches[1:]; len(q.batches) == 0 {
		q.batches = nil
	}
}

// grant adds credit and says whether the peer may have granted that much.
func (q *queue) grant(n uint64, window int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n > uint64(window-min(q.credit, window)) {
		return false
	}
	q.credit += int(n)
	return true
}

// wait is how long until something delayed is due; most: nothing is before.
func (q *queue) wait(now time.Time, most time.Duration) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.line) > 0 {
		most = min(most, q.line[0].due.Sub(now))
	}
	if len(q.published) > 0 {
		most = min(most, q.published[0].due.Sub(now))
	}
	return max(0, most)
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.status == nil && len(q.batches) == 0 && len(q.line) == 0 && len(q.published) == 0
}

// takeFull is how many batches were dropped since it was last asked.
func (q *queue) takeFull() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.full
	q.full = 0
	return n
}
