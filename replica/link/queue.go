package link

import (
	"slices"
	"sync"
	"time"

	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
)

// queue is what waits to be sent to one peer: the newest status, the batches in
// order, and the messages that a fault holds up. It is closed while the peer is
// down; then everything is dropped, since the core ships from the peer's
// frontier when it is up again.
type queue struct {
	mu     sync.Mutex
	open   bool
	limit  int // bytes; a batch is taken while fewer than that wait
	credit int // what the peer takes before it grants more; may fall below zero by one frame

	status  *replica.Status
	batches []parcel
	line    []held // by due
	bytes   int    // of batches, and of those in line

	full    int // batches dropped since the last report
	dropped Dropped
}

// Dropped counts messages that were let go at the sender.
type Dropped struct {
	Full      uint64 // batches: the queue was full
	Down      uint64 // the peer was down
	Faults    uint64 // lost on purpose
	Coalesced uint64 // statuses: a newer one came before it was sent
}

// parcel is a batch, or what is left of it. The slice is the queue's, the ops
// are shared and immutable.
type parcel struct {
	ops   []*resolve.Op
	bytes int
}

// held is a message that waits for its time. status is nil for a parcel.
type held struct {
	due    time.Time
	status *replica.Status
	parcel parcel
}

// opBytes is about what an op keeps in memory.
func opBytes(op *resolve.Op) int {
	return wire.OpCharge + len(op.Key) + len(op.Value) + 16*(len(op.Parents)+len(op.Hidden)+op.Deps.Len()) + 8*len(op.Seen)
}

func pack(ops []*resolve.Op) parcel {
	p := parcel{ops: slices.Clone(ops)}
	for _, op := range ops {
		p.bytes += opBytes(op)
	}
	return p
}

// start opens an empty queue with the peer's first credit.
func (q *queue) start(credit int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.credit = true, credit
}

// stop closes the queue and drops what waits.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped.Down += uint64(len(q.batches) + len(q.line))
	q.open, q.status, q.batches, q.line, q.bytes = false, nil, nil, nil, 0
}

// offer takes a message according to its fate, or drops and counts it.
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
	for _, due := range f.due[:f.n] {
		switch m := m.(type) {
		case *replica.Status:
			s := *m
			s.Frontier = m.Frontier.Clone()
			q.add(held{due: due, status: &s})
		case *replica.Batch:
			if len(m.Ops) > 0 {
				q.addBatch(m, due)
			}
		}
	}
}

// addBatch takes the batch if there is room; a single one always finds room.
func (q *queue) addBatch(b *replica.Batch, due time.Time) {
	if q.bytes >= q.limit {
		q.full++
		q.dropped.Full++
		return
	}
	h := held{due: due, parcel: pack(b.Ops)}
	q.bytes += h.parcel.bytes
	q.add(h)
}

// add puts what is due at once where it goes, unless something before it waits.
func (q *queue) add(h held) {
	if h.due.IsZero() && len(q.line) == 0 {
		q.settle(h)
		return
	}
	i, _ := slices.BinarySearchFunc(q.line, h, func(a, b held) int {
		if a.due.After(b.due) {
			return 1
		}
		return -1 // equal ones keep their order
	})
	q.line = slices.Insert(q.line, i, h)
}

// settle puts a message whose time has come where it goes. Of two statuses the
// newer stays.
func (q *queue) settle(h held) {
	if h.status == nil {
		q.batches = append(q.batches, h.parcel)
		return
	}
	if old := q.status; old != nil {
		q.dropped.Coalesced++
		if old.Life == h.status.Life && old.Number > h.status.Number {
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
		q.settle(q.line[n])
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
func (q *queue) took(n, charge int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.credit -= charge
	first := &q.batches[0]
	for _, op := range first.ops[:n] {
		first.bytes -= opBytes(op)
		q.bytes -= opBytes(op)
	}
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

// wait is how long until something held up is due; false: nothing is.
func (q *queue) wait(now time.Time) (time.Duration, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.line) == 0 {
		return 0, false
	}
	return max(0, q.line[0].due.Sub(now)), true
}

// empty reports whether nothing waits.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.status == nil && len(q.batches) == 0 && len(q.line) == 0
}

// takeFull is how many batches were dropped since it was last asked.
func (q *queue) takeFull() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.full
	q.full = 0
	return n
}
