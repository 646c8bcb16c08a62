package feed

import (
	"strconv"
	"strings"
	"sync"
)

// What waits for one reader at most. Readers share the messages, so all that wait
// for the same losses hold little more than one.
const (
	queueMessages = 4096
	queueBytes    = 1 << 20
)

// missed is the event that says how many others there were.
const missed = "missed"

// message is one event as readers get it. Nobody changes it.
type message struct {
	event  string
	data   []byte // JSON on one line
	losses uint64 // that it tells of, or says were missed
}

func missedMessage(n uint64) *message {
	return &message{missed, append(strconv.AppendUint([]byte(`{"event":"missed","count":`), n, 10), '}'), n}
}

// listener is one reader's queue. The hub puts in, the reader takes out.
type listener struct {
	hub    *Hub
	prefix string
	all    bool
	reads  func(key string) bool // its user may; asked anew for each event
	wake   func()

	mu     sync.Mutex
	queue  []*message
	bytes  int
	missed uint64 // older than the queue, and not told yet
	woken  bool   // since Next had nothing
}

func (r *listener) wants(key string, serving bool) bool {
	return (serving || r.all) && strings.HasPrefix(key, r.prefix) && r.reads(key)
}

// offer puts a message in; the oldest go where it is full.
func (r *listener) offer(m *message) {
	r.mu.Lock()
	r.queue = append(r.queue, m)
	r.bytes += len(m.data)
	for len(r.queue) > queueMessages || r.bytes > queueBytes {
		gone := r.drop()
		r.missed += gone.losses
		if gone.event != missed { // those are counted
			r.hub.missed.Add(1)
		}
	}
	first := !r.woken // it is woken once until there is nothing left
	r.woken = true
	r.mu.Unlock()
	if first {
		r.wake()
	}
}

// drop forgets the oldest. The lock is held.
func (r *listener) drop() *message {
	m := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	r.bytes -= len(m.data)
	return m
}

// Next is the oldest message, or how many older ones were missed.
func (r *listener) Next() (event string, data []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.missed; n > 0 {
		r.missed = 0
		m := missedMessage(n)
		return m.event, m.data, true
	}
	if len(r.queue) == 0 {
		r.queue, r.woken = nil, false
		return "", nil, false
	}
	m := r.drop()
	return m.event, m.data, true
}

func (r *listener) Close() { r.hub.forget(r) }
