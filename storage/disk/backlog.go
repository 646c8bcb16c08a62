package disk

import (
	"sync"
	"sync/atomic"
)

// backlog holds a commit back while more waits for a flush than memory is meant for, as
// pebble does; but a fault lets it go. Pebble's own stop stands further off, and waits
// for ever where a disk failed.
type backlog struct {
	limit int64        // bytes
	bytes atomic.Int64 // of batches since the last flush that has ended began
	mu    sync.Mutex
	wake  sync.Cond
	began int64 // bytes, as the running flush began
}

// took counts a batch.
func (b *backlog) took(bytes int) { b.bytes.Add(int64(bytes)) }

// flushing says that a flush has begun.
func (b *backlog) flushing() {
	b.mu.Lock()
	b.began = b.bytes.Load()
	b.mu.Unlock()
}

// flushed says that it has ended well. What was put since it began is counted on.
func (b *backlog) flushed() {
	b.mu.Lock()
	b.bytes.Add(-b.began)
	b.began = 0
	b.mu.Unlock()
	b.wake.Broadcast()
}

// hold waits until another batch may be committed, or the store has failed.
func (f *fault) hold() {
	b := &f.backlog
	if b.bytes.Load() < b.limit {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.bytes.Load() >= b.limit && f.first.Load() == nil {
		b.wake.Wait()
	}
}
