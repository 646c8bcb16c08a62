package server

import (
	"slices"
	"sync"
	"sync/atomic"
)

// broker knows who listens at this leader, and brings what clients publish to them:
//
//	PUBLISH here ─▶ broker ─▶ each subscriber's ear ─▶ its connection's goroutine
//	       └─▶ Config.Publish ══▶ the other leaders' Server.Hear ─▶ broker there
//
// A message is there once, however many wait for it, and is counted against the memory
// of all clients until the last has taken it. Publishing never waits: a subscriber that
// has too much waiting is cut, and so is the one that has most where there is no memory.
type broker struct {
	budget *budget

	mu                 sync.Mutex // held while a message is handed out, so that all hear in one order
	channels, patterns map[string]map[*ear]struct{}
	ears               map[*ear]struct{}

	cut, lost atomic.Uint64
}

const (
	// maxHeard is how many bytes wait for one subscriber; one that more are for is cut.
	maxHeard = 8 << 20
	// messageBytes is what a message takes beside its bytes, and nameBytes a
	// subscription beside its name.
	messageBytes, nameBytes = 128, 256
)

// message is what was published once. Nobody changes it.
type message struct {
	channel string
	payload []byte
	holders atomic.Int32
}

func (m *message) size() int64 { return int64(len(m.channel)+len(m.payload)) + messageBytes }

// release says that one holder less has it.
func (m *message) release(b *budget) {
	if m.holders.Add(-1) == 0 {
		b.count(-m.size())
	}
}

// ear is what one connection has yet to be sent of what was published.
type ear struct {
	budget *budget
	ring   func() // wakes its connection; it does not wait
	sever  func() // ends it

	mu      sync.Mutex
	waiting []*message
	bytes   int64
	last    *message // that it was told, so that two subscriptions get it once
	told    bool     // the bell was rung since next had nothing
	closed  bool
}

func newBroker(b *budget) *broker {
	return &broker{budget: b, channels: map[string]map[*ear]struct{}{}, patterns: map[string]map[*ear]struct{}{}, ears: map[*ear]struct{}{}}
}

// join notes that the ear listens to a name: of a channel, or a pattern.
func (b *broker) join(names map[string]map[*ear]struct{}, name string, e *ear) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := names[name]
	if all == nil {
		all = map[*ear]struct{}{}
		names[name] = all
	}
	all[e], b.ears[e] = struct{}{}, struct{}{}
}

// leave takes that back.
func (b *broker) leave(names map[string]map[*ear]struct{}, name string, e *ear) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := names[name]
	if delete(all, e); len(all) == 0 {
		delete(names, name)
	}
}

// close ends an ear that listens to nothing any more.
func (b *broker) close(e *ear) {
	b.mu.Lock()
	delete(b.ears, e)
	b.mu.Unlock()
	e.close()
}

// publish hands a message to all who listen, and answers to how many subscriptions. It
// fails where there is no memory for it: then nobody has it. Payload is the broker's.
func (b *broker) publish(channel string, payload []byte) (receivers int, err error) {
	m := &message{channel: channel, payload: payload}
	m.holders.Store(1)
	receivers, cut, err := b.tell(m)
	for _, e := range cut {
		b.cut.Add(1)
		e.sever()
	}
	return receivers, err
}

// tell does so, and answers who is to be cut: without the lock, since that may take a
// moment.
func (b *broker) tell(m *message) (receivers int, cut []*ear, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	receivers = b.count(m.channel)
	if receivers == 0 {
		return 0, nil, nil
	}
	if cut, err = b.claim(m.size()); err != nil {
		b.lost.Add(1)
		return 0, cut, err
	}
	defer m.release(b.budget)
	b.each(m.channel, func(all map[*ear]struct{}) {
		for e := range all {
			if !e.tell(m) {
				cut = append(cut, e)
			}
		}
	})
	return receivers, cut, nil
}

// each calls f for every name that a channel fits.
func (b *broker) each(channel string, f func(map[*ear]struct{})) {
	f(b.channels[channel])
	for p, all := range b.patterns {
		if fits(p, channel) {
			f(all)
		}
	}
}

func (b *broker) count(channel string) (n int) {
	b.each(channel, func(all map[*ear]struct{}) { n += len(all) })
	return n
}

// claim counts n bytes against the memory of all clients. Where they are not there the
// subscribers that have most waiting lose it, and are to be cut.
func (b *broker) claim(n int64) (cut []*ear, err error) {
	for !b.budget.take(n) {
		var worst *ear
		most := int64(minHogged)
		for e := range b.ears {
			if held := e.held(); held >= most {
				worst, most = e, held
			}
		}
		if worst == nil {
			return cut, errBudget
		}
		worst.close()
		cut = append(cut, worst)
	}
	return cut, nil
}

// names is what somebody listens to that is shown, ascending.
func (b *broker) names(shown func(string) bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for name := range b.channels {
		if shown(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// listeners counts who listens to a channel by its name.
func (b *broker) listeners(channel string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.channels[channel])
}

// sizes counts the names that somebody listens to.
func (b *broker) sizes() (channels, patterns int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.channels), len(b.patterns)
}

// tell adds a message; false: too much waits, and the ear hears no more.
func (e *ear) tell(m *message) bool {
	e.mu.Lock()
	if e.closed || e.last == m {
		e.mu.Unlock()
		return true
	}
	if e.bytes+m.size() > maxHeard {
		e.mu.Unlock()
		e.close()
		return false
	}
	m.holders.Add(1)
	e.waiting, e.bytes, e.last = append(e.waiting, m), e.bytes+m.size(), m
	wake := !e.told
	e.told = true
	e.mu.Unlock()
	if wake {
		e.ring()
	}
	return true
}

// next is the oldest message, which whoever takes it releases; nil: there is none now.
func (e *ear) next() *message {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		e.waiting, e.last, e.told = nil, nil, false
		return nil
	}
	m := e.waiting[0]
	e.waiting[0] = nil
	e.waiting, e.bytes = e.waiting[1:], e.bytes-m.size()
	return m
}

// close drops what waits.
func (e *ear) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.waiting {
		m.release(e.budget)
	}
	e.waiting, e.bytes, e.last, e.closed = nil, 0, nil, true
}

func (e *ear) held() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.bytes
}

// length is how many messages wait.
func (e *ear) length() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.waiting)
}
