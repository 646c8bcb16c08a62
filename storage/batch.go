package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/internal/pending"
	"kvd/storage/internal/rows"
)

// Batch gathers changes that are stored together or not at all. Everything put
// is copied at once. A batch belongs to one goroutine; after Commit it is empty
// and can be filled again without allocating. A later put replaces an earlier
// one of the same thing.
type Batch struct {
	store      *Store
	b          *pebble.Batch
	objects    []pending.Object // which follow from the log, and are not written to it
	arena      []byte           // that they are in; never written to twice
	objectsLen int              // their bytes
	key, value []byte           // scratch
	err        error            // the first put that cannot be encoded
	state      State            // the last that was put
	stated     bool
	lengthens  bool // an op was put
	contests   bool // a conflict was put, or resolved
}

// NewBatch is an empty batch. Close it when it is no longer needed.
func (s *Store) NewBatch() *Batch {
	return &Batch{store: s, b: s.db.NewBatch()}
}

// newBatchOf is an empty batch that has memory for as many bytes.
func (s *Store) newBatchOf(bytes int) *Batch {
	return &Batch{store: s, b: s.db.NewBatchWithSize(bytes)}
}

// PutOp appends to the log of the op's origin, whose next it must be.
func (b *Batch) PutOp(o *resolve.Op) {
	if b.refuse(codec.CheckOp(o)) {
		return
	}
	b.lengthens = true
	b.store.log.AppendOp(o.Dot, func(dst []byte) []byte {
		n := len(dst)
		dst = codec.AppendOp(dst, o)
		b.addUp(o, dst[n:])
		return dst
	})
}

// PutObject replaces a key's object. One without versions and duplicates is removed. With
// an op or a state, it must be what the ops of its key fold into, those of the batch
// included: after a crash they are folded again. It returns the object as it is stored,
// which nobody may change; nil: it is removed.
func (b *Batch) PutObject(o *resolve.Object) []byte {
	if b.refuse(codec.CheckObject(o)) {
		return nil
	}
	if len(o.Versions) == 0 && !o.Duplicates {
		b.objects = append(b.objects, pending.Object{Key: o.Key})
		return nil
	}
	size := objectBase + len(o.Versions)*versionBase
	for i := range o.Versions {
		size += len(o.Versions[i].Value)
	}
	if cap(b.arena)-len(b.arena) < size {
		b.arena = make([]byte, 0, max(arenaBytes, size))
	}
	n := len(b.arena)
	b.arena = codec.AppendObjectAs(b.arena, "", o)
	stored := b.arena[n:len(b.arena):len(b.arena)]
	b.objects = append(b.objects, pending.Object{Key: o.Key, Value: stored})
	b.objectsLen += len(stored)
	return stored
}

// What an arena has at least, and what an object takes beside its values, about.
const (
	arenaBytes  = 64 << 10
	objectBase  = 32
	versionBase = 96
)

// keepObject puts an object into the database's batch.
func (b *Batch) keepObject(o pending.Object) {
	b.key = rows.AppendObjectKey(b.key[:0], o.Key)
	if o.Value == nil {
		b.drop()
		return
	}
	b.keep(b.b.Set(b.key, o.Value, nil))
}

// PutRequest remembers which dot a request was given, in place of what was
// remembered before; the caller keeps the smaller of two.
func (b *Batch) PutRequest(client, number uint64, d logical.Dot) {
	b.key = rows.AppendRequestKey(b.key[:0], client, number)
	b.value = codec.AppendPlainDot(b.value[:0], d)
	b.set()
}

// PutState replaces the leader's state.
func (b *Batch) PutState(s State) {
	if b.refuse(codec.CheckFrontier(s.Frontier)) {
		return
	}
	b.state, b.stated = s, true
	b.key = rows.AppendStateKey(b.key[:0])
	b.value = rows.AppendState(b.value[:0], s)
	b.set()
}

// PutIncarnations replaces the origins of the leader's incarnations, which ascend.
func (b *Batch) PutIncarnations(origins []logical.Origin) {
	if b.refuse(rows.CheckIncarnations(origins)) {
		return
	}
	b.key = rows.AppendIncarnationsKey(b.key[:0])
	b.value = rows.AppendIncarnations(b.value[:0], origins)
	b.set()
}

// Size is how many bytes were put.
func (b *Batch) Size() int { return b.b.Len() + b.objectsLen + b.store.log.GroupBytes() }

// Commit stores the batch, synced as [Options].Sync says, and empties it. An
// error means that the store has stopped, or that something was put that cannot
// be encoded; nothing of such a batch is stored.
func (b *Batch) Commit() error { return b.commit(b.store.always) }

// CommitUnsynced is Commit without the sync, whatever the options say: the
// simulator's crash between writing and syncing. The batch is visible at once;
// after a crash it is there whole or not at all, and a later synced Commit makes
// it durable too.
func (b *Batch) CommitUnsynced() error { return b.commit(false) }

func (b *Batch) commit(synced bool) error {
	defer b.Reset()
	counts := b.lengthens || b.contests || b.stated // else it may be committed beside one that does
	empty := b.b.Empty() && len(b.objects) == 0 && !b.lengthens
	if counts && b.err == nil && (!empty || b.store.conflicts.touched) && b.store.disk.Err() == nil {
		b.putConflictStats()
	}
	if b.err != nil {
		b.forgetSums()
		if counts {
			b.store.conflicts = conflicts{limit: b.store.conflicts.limit}
		}
		return fmt.Errorf("commit batch: %w", b.err)
	}
	if err := b.store.disk.Err(); err != nil {
		return err
	}
	if empty && b.b.Empty() {
		return nil
	}
	b.putSums()
	bytes := b.b.Len()
	if !b.waits() { // else its objects are counted when they go into the database, once however often they changed
		bytes += b.objectsLen
	}
	b.store.disk.Admit(bytes)
	if err := b.write(synced); err != nil {
		b.store.disk.Fail(fmt.Errorf("commit batch: %w", err))
	} else if !synced {
		b.store.committed(b)
	}
	return b.store.disk.Err()
}

// waits reports whether the batch's objects wait behind the log.
func (b *Batch) waits() bool { return b.store.behind != nil && (b.lengthens || b.stated) }

// write puts the batch where it belongs. What a step of the core stores goes through the
// log. Anything else, which is put while no core runs or is worth little, is put into the
// database alone, and flushed where it must be durable.
func (b *Batch) write(synced bool) error {
	s := b.store
	if !b.lengthens && !b.stated {
		if s.behind != nil {
			s.behind.flush()
		}
		if err := b.apply(); err != nil {
			return err
		}
		if synced {
			s.flush()
		} else {
			s.unlogged.Store(true)
		}
		return nil
	}
	if !b.b.Empty() {
		s.log.AppendNote(b.b.Repr())
	}
	end, err := s.log.Write()
	if err == nil && synced {
		_, err = s.log.Sync()
	}
	if err != nil {
		return err
	}
	frontier := b.state.Frontier
	if !b.stated {
		frontier = s.log.Frontier()
	}
	if s.behind != nil {
		if !b.b.Empty() {
			err = b.b.Commit(pebble.NoSync)
		}
		s.behind.put(b.objects, end, frontier)
		return err
	}
	b.putPosition(end, frontier)
	return b.apply()
}

// apply puts the batch into the database, whole.
func (b *Batch) apply() error {
	for _, o := range b.objects {
		b.keepObject(o)
	}
	if b.err != nil {
		return b.err
	}
	return b.b.Commit(pebble.NoSync)
}

// retainedScratch is how much scratch for encoding a batch keeps when it is emptied.
const retainedScratch = 1 << 20

// Reset empties the batch and keeps its memory, but for what large values needed.
func (b *Batch) Reset() {
	b.b.Reset()
	clear(b.objects)
	b.objects, b.objectsLen = b.objects[:0], 0
	b.arena = b.arena[len(b.arena):] // what is in it is not ours any more
	if b.lengthens {
		b.store.log.Abandon()
	}
	if cap(b.value) > retainedScratch {
		b.value = nil
	}
	b.err, b.state, b.stated, b.lengthens, b.contests = nil, State{}, false, false, false
}

// Close gives the batch's memory back. What was put and not committed is gone.
func (b *Batch) Close() error {
	if b.lengthens {
		b.forgetSums()
		b.store.log.Abandon()
		b.lengthens = false
	}
	if err := b.b.Close(); err != nil {
		return fmt.Errorf("close batch: %w", err)
	}
	return nil
}

// refuse keeps the first error for Commit and reports whether there was one.
func (b *Batch) refuse(err error) bool {
	if err != nil && b.err == nil {
		b.err = err
	}
	return err != nil
}

// set puts the scratch value under the scratch key.
func (b *Batch) set() { b.keep(b.b.Set(b.key, b.value, nil)) }

// drop deletes the scratch key.
func (b *Batch) drop() { b.keep(b.b.Delete(b.key, nil)) }

func (b *Batch) keep(err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
}
