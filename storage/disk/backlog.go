package disk

import (
	"sync"
	"sync/atomic"
)

// backlog holds a commit back while full memtables wait for a flush, as pebble
// does; but a fault lets it go. It counts what batches put into each.
type backlog struct {
	limit   int64 // bytes
	waiting atomic.Int64
	mu      sync.Mutex
	wake    sync.Cond
	full    []int64 // bytes of each memtable that waits, by age
	last    int64   // bytes of the one that is being filled
	ends    uint64  // how often flushed was called
	// none reports whether no memtable waits, as pebble counts them.
	none   func() bool
	asking bool
	asks   sync.WaitGroup
}

// begin counts from now on: the log that pebble made as it opened belongs to a
// memtable that is being filled, and what it recovered is flushed.
func (b *backlog) begin(none func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.none, b.full, b.last = none, nil, 0
	b.waiting.Store(0)
}

// ask asks pebble whether any memtable waits at all, beside the commit that waits: the
// answer stands behind the manifest, and a fault may hold that until Close. Counting
// may be wrong about which memtable a batch went to, and nothing else would end the wait
// for one that is not there. mu is held.
func (b *backlog) ask() {
	if b.asking {
		return
	}
	b.asking = true
	before := b.ends
	b.asks.Go(func() {
		none := b.none()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asking = false
		if none {
			b.full = nil
			b.waiting.Store(0)
		}
		if none || b.ends != before {
			b.wake.Broadcast()
		}
	})
}

// took counts a batch.
func (b *backlog) took(bytes int) {
	b.mu.Lock()
	b.last += int64(bytes)
	b.mu.Unlock()
}

// rotated says that a new memtable is being filled.
func (b *backlog) rotated() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = append(b.full, b.last)
	b.waiting.Add(b.last)
	b.last = 0
}

// flushed says that the n oldest are gone, and wakes whoever waits.
func (b *backlog) flushed(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ends++
	for n = min(n, len(b.full)); n > 0; n-- {
		b.waiting.Add(-b.full[0])
		b.full = b.full[1:]
	}
	b.wake.Broadcast()
}

// hold waits until another batch may be committed, or the store has failed.
func (f *fault) hold() {
	b := &f.backlog
	if b.waiting.Load() < b.limit {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.waiting.Load() >= b.limit && f.first.Load() == nil {
		b.ask()
		b.wake.Wait()
	}
}
