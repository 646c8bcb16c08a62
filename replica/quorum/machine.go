package quorum

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kvd/replica/lease"
)

// machine is the state of the locks as raft feeds it, and when leases end by the elapsed time of this
// machine. Only who leads goes by that.
type machine struct {
	mu      sync.Mutex
	state   *lease.State
	ends    deadlines
	changed chan struct{} // closed when a lock is free that was not
	wake    chan struct{} // of one: the next end is another
	expired uint64
}

var _ raft.FSM = (*machine)(nil)

func newMachine(epoch uint64) *machine {
	return &machine{state: lease.New(epoch), ends: newDeadlines(), changed: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// Apply does what an entry says, on raft's goroutine.
func (m *machine) Apply(l *raft.Log) any {
	var e lease.Entry
	if err := json.Unmarshal(l.Data, &e); err != nil {
		return fmt.Errorf("entry %d of the quorum's log cannot be read: %w", l.Index, err) // the same at every voter
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.state.Apply(l.Index, e)
	switch {
	case r.Code != lease.Done:
	case e.Kind == lease.Acquire && !r.Fresh:
	case e.Kind == lease.Acquire || e.Kind == lease.Renew:
		m.ends.set(r.Lock.Name, time.Now().Add(r.Lock.TTL))
		m.nudge()
	default:
		m.ends.drop(r.Lock.Name)
		m.expired += uint64(one(e.Kind == lease.Expire))
		m.free()
	}
	return r
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (m *machine) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *machine) free() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// restart counts every lease from its beginning: this member leads from now on.
func (m *machine) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.countAnew()
	m.free()
	m.nudge()
}

func (m *machine) countAnew() {
	m.ends = newDeadlines()
	now := time.Now()
	for _, l := range m.state.Locks() {
		m.ends.set(l.Name, now.Add(l.TTL))
	}
}

// retryExpiry is how long after an end was proposed it is proposed again.
const retryExpiry = time.Second

// due lists the ends of leases that have come, and says when to look again.
func (m *machine) due(now time.Time) (ends []lease.Entry, next time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.ends.heap) > 0 {
		d := m.ends.heap[0]
		if d.at.After(now) {
			return ends, d.at.Sub(now)
		}
		l, _ := m.state.Get(d.name)
		ends = append(ends, lease.Entry{Kind: lease.Expire, Name: d.name, Token: l.Token, Renewals: l.Renewals})
		m.ends.set(d.name, now.Add(retryExpiry))
	}
	return ends, time.Hour
}

// get is a lock, how much of its lease is left, and what is closed when any lock is freed.
func (m *machine) get(name lease.Name) (l lease.Lock, left time.Duration, held bool, changed chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, held = m.state.Get(name); held {
		left = m.left(name)
	}
	return l, left, held, m.changed
}

func (m *machine) left(name lease.Name) time.Duration {
	if d := m.ends.of[name]; d != nil {
		return max(0, time.Until(d.at))
	}
	return 0
}

func (m *machine) list() (locks []lease.Lock, left []time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	locks = m.state.Locks()
	for _, l := range locks {
		left = append(left, m.left(l.Name))
	}
	return locks, left
}

func (m *machine) stats() (locks, bytes int, expired uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Len(), m.state.Bytes(), m.expired
}

// image is a state as of one moment.
type image struct {
	epoch uint64
	locks []lease.Lock
}

// Snapshot is the state as it is now.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &image{m.state.Epoch(), m.state.Locks()}, nil
}

// Persist writes it.
func (i *image) Persist(sink raft.SnapshotSink) error {
	if err := lease.Write(sink, i.epoch, i.locks); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

// Release has nothing to give back.
func (i *image) Release() {}

// Restore puts a snapshot in the place of the state.
func (m *machine) Restore(r io.ReadCloser) error {
	defer r.Close()
	s, err := lease.Read(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
	m.countAnew()
	m.free()
	return nil
}

// deadlines is when leases end, the next one first.
type deadlines struct {
	heap ends
	of   map[lease.Name]*end
}

type end struct {
	name lease.Name
	at   time.Time
	i    int
}

func newDeadlines() deadlines { return deadlines{of: map[lease.Name]*end{}} }

func (d *deadlines) set(name lease.Name, at time.Time) {
	if e := d.of[name]; e != nil {
		e.at = at
		heap.Fix(&d.heap, e.i)
		return
	}
	e := &end{name: name, at: at}
	d.of[name] = e
	heap.Push(&d.heap, e)
}

func (d *deadlines) drop(name lease.Name) {
	if e := d.of[name]; e != nil {
		heap.Remove(&d.heap, e.i)
		delete(d.of, name)
	}
}

type ends []*end

func (h ends) Len() int           { return len(h) }
func (h ends) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h ends) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].i, h[j].i = i, j }

// Push and Pop are container/heap's.
func (h *ends) Push(x any) {
	e := x.(*end)
	e.i = len(*h)
	*h = append(*h, e)
}

func (h *ends) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
