package storage

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
)

// Batch gathers changes that are stored together or not at all. Everything put
// is copied at once. A batch belongs to one goroutine; after Commit it is empty
// and can be filled again without allocating. A later put replaces an earlier
// one of the same thing.
type Batch struct {
	store      *Store
	b          *pebble.Batch
	key, value []byte // scratch
	err        error  // the first put that cannot be encoded
	state      State  // the last that was put
	stated     bool
	lengthens  bool // an op was put
	contests   bool // a conflict was put, or resolved
}

// NewBatch is an empty batch. Close it when it is no longer needed.
func (s *Store) NewBatch() *Batch { return &Batch{store: s, b: s.db.NewBatch()} }

// PutOp appends to the log of the op's origin.
func (b *Batch) PutOp(o *resolve.Op) {
	if b.refuse(codec.CheckOp(o)) {
		return
	}
	b.key = appendLogKey(b.key[:0], o.Dot)
	if len(o.Value) >= separateFrom {
		b.addUp(o, b.setParts(codec.SplitOp(o)))
		return
	}
	b.value = codec.AppendOp(b.value[:0], o)
	b.set()
	b.addUp(o, b.value)
}

// PutObject replaces a key's object. One without versions and duplicates is removed.
func (b *Batch) PutObject(o *resolve.Object) {
	if b.refuse(codec.CheckObject(o)) {
		return
	}
	b.key = appendObjectKey(b.key[:0], o.Key)
	if len(o.Versions) == 0 && !o.Duplicates {
		b.drop()
		return
	}
	size := 0
	for i := range o.Versions {
		size += len(o.Versions[i].Value)
	}
	b.value = codec.AppendObjectAs(slices.Grow(b.value[:0], size), "", o)
	b.set()
}

// PutRequest remembers which dot a request was given, in place of what was
// remembered before; the caller keeps the smaller of two.
func (b *Batch) PutRequest(client, number uint64, d logical.Dot) {
	b.key = appendRequestKey(b.key[:0], client, number)
	b.value = codec.AppendPlainDot(b.value[:0], d)
	b.set()
}

// PutState replaces the leader's state.
func (b *Batch) PutState(s State) {
	if b.refuse(codec.CheckFrontier(s.Frontier)) {
		return
	}
	b.state, b.stated = s, true
	b.key = appendStateKey(b.key[:0])
	b.value = appendState(b.value[:0], s)
	b.set()
}

// PutIncarnations replaces the origins of the leader's incarnations, which ascend.
func (b *Batch) PutIncarnations(origins []logical.Origin) {
	if b.refuse(checkIncarnations(origins)) {
		return
	}
	b.key = appendIncarnationsKey(b.key[:0])
	b.value = appendIncarnations(b.value[:0], origins)
	b.set()
}

// Size is how many bytes were put.
func (b *Batch) Size() int { return b.b.Len() }

// Commit stores the batch, synced as [Options].Sync says, and empties it. An
// error means that the store has stopped, or that something was put that cannot
// be encoded; nothing of such a batch is stored.
func (b *Batch) Commit() error { return b.commit(b.store.write) }

// CommitUnsynced is Commit without the sync, whatever the options say: the
// simulator's crash between writing and syncing. The batch is visible at once;
// after a crash it is there whole or not at all, and a later synced Commit makes
// it durable too.
func (b *Batch) CommitUnsynced() error { return b.commit(pebble.NoSync) }

func (b *Batch) commit(w *pebble.WriteOptions) error {
	defer b.Reset()
	counts := b.lengthens || b.contests || b.stated // else it may be committed beside one that does
	if counts && b.err == nil && (!b.b.Empty() || b.store.conflicts.touched) && b.store.disk.Err() == nil {
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
	if b.b.Empty() {
		return nil
	}
	b.putSums()
	b.store.disk.Admit(b.b.Len())
	if err := b.b.Commit(w); err != nil {
		b.store.disk.Fail(fmt.Errorf("commit batch: %w", err))
	}
	if w == pebble.NoSync {
		b.store.committed(b)
	}
	return b.store.disk.Err()
}

// retainedScratch is how much scratch for encoding a batch keeps when it is emptied.
const retainedScratch = 1 << 20

// Reset empties the batch and keeps its memory, but for what large values needed.
func (b *Batch) Reset() {
	b.b.Reset()
	if cap(b.value) > retainedScratch {
		b.value = nil
	}
	b.err, b.state, b.stated, b.lengthens, b.contests = nil, State{}, false, false, false
}

// Close gives the batch's memory back. What was put and not committed is gone.
func (b *Batch) Close() error {
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

// setParts puts what is the parts one after the other under the scratch key, without
// another copy of them. The whole is lent until more is put.
func (b *Batch) setParts(head, value, tail []byte) (whole []byte) {
	op := b.b.SetDeferred(len(b.key), len(head)+len(value)+len(tail))
	copy(op.Key, b.key)
	copy(op.Value[copy(op.Value, head):], value)
	copy(op.Value[len(head)+len(value):], tail)
	b.keep(op.Finish())
	return op.Value
}

// drop deletes the scratch key.
func (b *Batch) drop() { b.keep(b.b.Delete(b.key, nil)) }

func (b *Batch) keep(err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
}
