package pubsub

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"kvd/replica/resp/budget"
)

// Broker knows who listens at this leader, and brings what clients publish to them. It may be
// used from many goroutines.
type Broker struct {
	budget *budget.Budget

	mu     sync.Mutex                              // held while a message is handed out, so that all hear in one order
	names  map[bool]map[string]map[*queue]struct{} // who listens to channels, and, under true, to patterns
	queues map[*queue]struct{}

	cut, lost atomic.Uint64
}

const (
	// maxQueue is how many bytes wait for one subscriber; one that more are for is cut.
	maxQueue = 8 << 20
	// messageBytes is what a message takes beside its bytes.
	messageBytes = 128
)

// NameBytes is what a subscription takes beside its name.
const NameBytes = 256

// message is what was published once. Nobody changes it.
type message struct {
	channel string
	payload []byte
	holders atomic.Int32
}

func (m *message) size() int64 { return int64(len(m.channel)+len(m.payload)) + messageBytes }

// release says that one holder less has it.
func (m *message) release(b *budget.Budget) {
	if m.holders.Add(-1) == 0 {
		b.Count(-m.size())
	}
}

// queue is what one connection has yet to be sent of what was published.
type queue struct {
	budget *budget.Budget
	wake   func() // wakes its connection; it does not wait
	cut    func() // ends it

	mu      sync.Mutex
	waiting []*message
	bytes   int64
	last    *message // that was added, so that two subscriptions get it once
	woken   bool     // wake was called since next had nothing
	closed  bool
}

// NewBroker is one whose messages are counted against a budget.
func NewBroker(b *budget.Budget) *Broker {
	return &Broker{budget: b, names: map[bool]map[string]map[*queue]struct{}{false: {}, true: {}}, queues: map[*queue]struct{}{}}
}

// join notes that the queue listens to a name: of a channel, or a pattern.
func (b *Broker) join(pattern bool, name string, q *queue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names[pattern][name] == nil {
		b.names[pattern][name] = map[*queue]struct{}{}
	}
	b.names[pattern][name][q], b.queues[q] = struct{}{}, struct{}{}
}

// leave takes that back.
func (b *Broker) leave(pattern bool, name string, q *queue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.names[pattern][name]
	if delete(all, q); len(all) == 0 {
		delete(b.names[pattern], name)
	}
}

func (b *Broker) close(q *queue) {
	b.mu.Lock()
	delete(b.queues, q)
	b.mu.Unlock()
	q.close()
}

// Publish hands a message to all who listen, and answers to how many subscriptions. It
// fails where there is no memory for it: then nobody has it. Payload is the Broker's.
func (b *Broker) Publish(channel string, payload []byte) (receivers int, err error) {
	m := &message{channel: channel, payload: payload}
	m.holders.Store(1)
	receivers, cut, err := b.add(m)
	for _, q := range cut {
		b.cut.Add(1)
		q.cut()
	}
	return receivers, err
}

// add does so, and answers who is to be cut: without the lock, since that may take a
// moment.
func (b *Broker) add(m *message) (receivers int, cut []*queue, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hear := slices.Collect(maps.Keys(b.names[false][m.channel]))
	for p, all := range b.names[true] {
		if Matches(p, m.channel) {
			hear = slices.AppendSeq(hear, maps.Keys(all))
		}
	}
	if len(hear) == 0 {
		return 0, nil, nil
	}
	if cut, err = b.claim(m.size()); err != nil {
		b.lost.Add(1)
		return 0, cut, err
	}
	defer m.release(b.budget)
	for _, q := range hear {
		if !q.add(m) {
			cut = append(cut, q)
		}
	}
	return len(hear), cut, nil
}

// claim counts n bytes against the memory of all clients. Where they are not there the
// subscribers that have most waiting lose it, and are to be cut.
func (b *Broker) claim(n int64) (cut []*queue, err error) {
	for !b.budget.Take(n) {
		var worst *queue
		most := int64(budget.MinHeld)
		for q := range b.queues {
			if held := q.held(); held >= most {
				worst, most = q, held
			}
		}
		if worst == nil {
			return cut, budget.ErrFull
		}
		worst.close()
		cut = append(cut, worst)
	}
	return cut, nil
}

// Channels is what somebody listens to that is shown, ascending.
func (b *Broker) Channels(shown func(string) bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.names[false])), func(name string) bool { return !shown(name) })
}

// Listeners counts who listens to a channel by its name.
func (b *Broker) Listeners(channel string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.names[false][channel])
}

// Counts counts the names that somebody listens to.
func (b *Broker) Counts() (channels, patterns int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.names[false]), len(b.names[true])
}

// add adds a message; false: too much waits, and nothing more is added.
func (q *queue) add(m *message) bool {
	q.mu.Lock()
	if q.closed || q.last == m {
		q.mu.Unlock()
		return true
	}
	if q.bytes+m.size() > maxQueue {
		q.mu.Unlock()
		q.close()
		return false
	}
	m.holders.Add(1)
	q.waiting, q.bytes, q.last = append(q.waiting, m), q.bytes+m.size(), m
	wake := !q.woken
	q.woken = true
	q.mu.Unlock()
	if wake {
		q.wake()
	}
	return true
}

// next is the oldest message, which whoever takes it releases; nil: there is none now.
func (q *queue) next() *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting, q.last, q.woken = nil, nil, false
		return nil
	}
	m := q.waiting[0]
	q.waiting[0] = nil
	q.waiting, q.bytes = q.waiting[1:], q.bytes-m.size()
	return m
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.waiting {
		m.release(q.budget)
	}
	q.waiting, q.bytes, q.last, q.closed = nil, 0, nil, true
}

func (q *queue) held() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// Stats is how many subscribers were cut because too much waited for them, and how many
// messages nobody here was sent, for want of memory.
func (b *Broker) Stats() (behind, unheard uint64) { return b.cut.Load(), b.lost.Load() }
