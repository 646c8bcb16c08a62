package host

import "kvd/replica"

// What one cycle stores is held several times over until it is durable, and whoever
// shares the cycle waits for all of it. So a cycle takes nothing more once it makes
// cycleBytes, and what is known to make much waits in a queue of its own: cycles of the
// two queues alternate while anything waits in both.

const (
	// cycleBytes is how much a cycle makes before what is left waits for the next.
	cycleBytes = 8 << 20
	// largeBytes is from how much on a call, or a peer's message, goes to the queue of
	// the large ones.
	largeBytes = 256 << 10
)

// queues is what was drained and has not been stepped, in the order of arrival.
type queues struct {
	small, large []item
	inputs       int                    // in both
	slow         map[replica.Leader]int // messages of a peer that wait among the large ones
	largeTurn    bool                   // the last cycle was one of the large ones
}

// add takes over what was drained.
func (q *queues) add(items []item) {
	for i := range items {
		it := &items[i]
		q.inputs += it.inputs()
		if q.isLarge(it) {
			q.large = append(q.large, *it)
		} else {
			q.small = append(q.small, *it)
		}
	}
	clear(items)
}

// inputs is how many the item is.
func (it *item) inputs() int {
	if it.call != nil {
		return len(it.call.reqs)
	}
	return 1
}

// isLarge says where the item waits. A peer's messages do not overtake each other.
func (q *queues) isLarge(it *item) bool {
	if it.call != nil {
		return it.call.isLarge()
	}
	in, ok := it.in.(replica.Received)
	if !ok {
		return false
	}
	if q.slow[in.From] > 0 || carried(in.Message) > largeBytes {
		if q.slow == nil {
			q.slow = map[replica.Leader]int{}
		}
		q.slow[in.From]++
		return true
	}
	return false
}

// carried is what the ops of a message take.
func carried(m replica.Message) (bytes int) {
	if b, ok := m.(*replica.Batch); ok {
		for _, op := range b.Ops {
			bytes += op.Size()
		}
	}
	return bytes
}

// isLarge reports whether the call brings much, may hold much, or comes from where
// one came that made much.
func (k *call) isLarge() bool {
	if r := k.reqs[0].Budget; r != nil && (r.Large || r.Bytes > largeBytes && !r.Each) {
		return true
	}
	bytes := 0
	for _, r := range k.reqs {
		bytes += len(r.Value)
	}
	return bytes > largeBytes
}

// next is what the next cycle takes, from the begin on.
func (q *queues) next() []item {
	q.largeTurn = len(q.large) > 0 && (len(q.small) == 0 || !q.largeTurn)
	if q.largeTurn {
		return q.large
	}
	return q.small
}

// remove takes away the first n of what was next.
func (q *queues) remove(n int) {
	queue := &q.small
	if q.largeTurn {
		queue = &q.large
	}
	for i := range (*queue)[:n] {
		it := &(*queue)[i]
		q.inputs -= it.inputs()
		if in, ok := it.in.(replica.Received); ok && q.largeTurn {
			q.slow[in.From]--
		}
	}
	left := copy(*queue, (*queue)[n:])
	clear((*queue)[left:])
	*queue = (*queue)[:left]
}

// waiting reports whether anything waits.
func (q *queues) waiting() bool { return q.inputs > 0 }
