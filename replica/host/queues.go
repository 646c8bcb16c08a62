package host

import "kvd/replica"

// What one cycle stores is held several times over until it is durable, and whoever
// shares the cycle waits for all of it. So a cycle takes nothing more once it makes
// cycleBytes, and what is known to make much waits in a lane of its own: a cycle of
// that lane follows upon one of all others while any of those wait.

const (
	// cycleBytes is how much a cycle makes before what is left waits for the next.
	cycleBytes = 8 << 20
	// largeBytes is from how much on a call, or a peer's message, goes to the lane of
	// the large ones.
	largeBytes = 256 << 10
)

// lanes is what was drained and has not been stepped, in the order of arrival.
type lanes struct {
	small, large []item
	inputs       int                    // in both
	slow         map[replica.Leader]int // messages of a peer that wait among the large ones
	turn         bool                   // the last cycle was one of the large ones
}

// add takes over what was drained.
func (w *lanes) add(items []item) {
	for i := range items {
		it := &items[i]
		w.inputs += it.inputs()
		if w.isLarge(it) {
			w.large = append(w.large, *it)
		} else {
			w.small = append(w.small, *it)
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
func (w *lanes) isLarge(it *item) bool {
	if it.call != nil {
		return it.call.isLarge()
	}
	in, ok := it.in.(replica.Received)
	if !ok {
		return false
	}
	if w.slow[in.From] > 0 || carried(in.Message) > largeBytes {
		if w.slow == nil {
			w.slow = map[replica.Leader]int{}
		}
		w.slow[in.From]++
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
	if r := k.reqs[0].Room; r != nil && (r.Large || r.Bytes > largeBytes && !r.Each) {
		return true
	}
	bytes := 0
	for _, q := range k.reqs {
		bytes += len(q.Value)
	}
	return bytes > largeBytes
}

// next is what the next cycle takes, from the begin on.
func (w *lanes) next() []item {
	w.turn = len(w.large) > 0 && (len(w.small) == 0 || !w.turn)
	if w.turn {
		return w.large
	}
	return w.small
}

// took takes away the first n of what was next.
func (w *lanes) took(n int) {
	lane := &w.small
	if w.turn {
		lane = &w.large
	}
	for i := range (*lane)[:n] {
		it := &(*lane)[i]
		w.inputs -= it.inputs()
		if in, ok := it.in.(replica.Received); ok && w.turn {
			w.slow[in.From]--
		}
	}
	left := copy(*lane, (*lane)[n:])
	clear((*lane)[left:])
	*lane = (*lane)[:left]
}

// behind reports whether anything waits.
func (w *lanes) behind() bool { return w.inputs > 0 }
