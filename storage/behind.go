package storage

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/internal/pending"
	"kvd/storage/log"
)

// behind holds objects that are in the log, as the ops that fold into them, and not in
// the database yet. They are put there in large batches, in the order of their keys,
// which costs the database much less; a key that changes often is put there once a batch.
// After a crash the log is folded again from where the last batch ended.
type behind struct {
	store *Store
	limit int64         // bytes after which a batch is written
	full  chan struct{} // so much has come together
	write sync.Mutex    // held by whoever writes a batch
	spare *pending.List // what the last batch wrote, emptied; nil: none was written

	mu       sync.Mutex
	objects  *pending.List // that came since the running batch began
	writing  *pending.List // that the running batch writes; nil: none runs
	end      log.Position  // what all of them reflect
	frontier logical.Frontier
}

// behindEvery is how long an object waits at most. The limit of bytes bounds what a start has to
// fold again, so this is long: few objects would be sorted into a memtable one by one, which
// costs more than all else that a write takes where many share a sync. Those that come to
// the limit are flushed as they are.
const behindEvery = 5 * time.Second

func newBehind(s *Store, limit int64) *behind {
	return &behind{store: s, limit: limit, full: make(chan struct{}, 1), objects: new(pending.List)}
}

// put takes the objects of a batch of the log.
func (b *behind) put(objects []pending.Object, end log.Position, frontier logical.Frontier) {
	b.mu.Lock()
	b.objects.Append(objects)
	b.end, b.frontier = end, frontier
	waiting := b.objects.Bytes()
	b.mu.Unlock()
	switch {
	case waiting > 2*b.limit:
		b.flush()
	case waiting > b.limit:
		select {
		case b.full <- struct{}{}:
		default:
		}
	}
}

// object is the key's encoding, if it waits here; nil: there is no object.
func (b *behind) object(key string) (value []byte, waits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if value, waits = b.objects.Object(key); !waits {
		value, waits = b.writing.Object(key)
	}
	return value, waits
}

// flush puts into the database what waits. After a fault it stays here, and is read here.
func (b *behind) flush() {
	b.write.Lock()
	defer b.write.Unlock()
	s := b.store
	b.mu.Lock()
	if b.objects.Len() == 0 || s.disk.First() != nil {
		b.mu.Unlock()
		return
	}
	b.writing, b.objects = b.objects, b.objects.Next(b.spare)
	b.spare = nil
	end, frontier := b.end, b.frontier
	b.mu.Unlock()
	objects, bytes := b.writing.Sorted()
	to := s.newBatchOf(bytes)
	defer to.Close()
	for o := range objects {
		to.keepObject(o)
	}
	to.putPosition(end, frontier)
	s.disk.Admit(to.b.Len()) // no more than the memtables take: nothing else lets a flush begin
	if to.err == nil {
		to.err = to.b.Commit(pebble.NoSync)
	}
	if to.err != nil {
		s.disk.Fail(to.err)
		return
	}
	b.mu.Lock()
	b.spare, b.writing = b.writing, nil
	b.mu.Unlock()
	b.spare.Reset()
}

// run flushes until the store is closed.
func (b *behind) run() {
	tick := time.NewTicker(behindEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.store.stop:
			return
		case <-tick.C:
		case <-b.full:
		}
		b.flush()
	}
}
