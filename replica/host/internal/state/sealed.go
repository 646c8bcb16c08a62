package state

import (
	"slices"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// sealed is what a batch made of the state, until it is known to be durable.
type sealed struct {
	state    replica.State
	agreed   wallclock.Agreement
	stored   bool // there was a batch
	dirty    []*resolve.Object
	encoded  [][]byte       // what is dirty, as it is stored
	objects  map[string]int // indexes in dirty
	grown    growth
	ledger   losses.Stats
	snapshot *Snapshot // of the store with this batch and nothing later; nil: nobody wants one
}

// Seal ends the batch, which the store has taken in, and begins a new one over it. Stored
// says that there was anything in it. Readers see nothing of it before Publish.
func (v *Overlay) Seal(st replica.State, agreed wallclock.Agreement, stored bool) {
	g := &sealed{objects: map[string]int{}}
	if n := len(v.spare); n > 0 {
		g, v.spare = v.spare[n-1], v.spare[:n-1]
	}
	g.state, g.agreed, g.stored, g.ledger = st, agreed, stored, v.ledger.stats
	g.dirty, v.dirty = v.dirty, g.dirty
	g.encoded, v.encoded = v.encoded, g.encoded
	g.objects, v.objects = v.objects, g.objects
	g.grown, v.grown = v.grown, growth{moved: g.grown.moved[:0]}
	g.snapshot = v.committed.snapshotFor(stored)
	v.sealed = append(v.sealed, g)
	v.clear()
}

// Publish makes the oldest batch that is sealed the committed state: it is durable.
func (v *Overlay) Publish() {
	g := v.sealed[0]
	v.sealed = slices.Delete(v.sealed, 0, 1)
	v.committed.publish(g)
	v.ledger.publish(&g.ledger)
	v.spareObjects.retire(g.dirty)
	clear(g.dirty)
	clear(g.encoded)
	clear(g.objects)
	*g = sealed{dirty: g.dirty[:0], encoded: g.encoded[:0], objects: g.objects, grown: growth{moved: g.grown.moved[:0]}}
	v.spare = append(v.spare, g)
}

// Sealed is how many batches are written and not published.
func (v *Overlay) Sealed() int { return len(v.sealed) }

// Freeze keeps the committed state readable after the store failed to take a batch.
func (v *Overlay) Freeze() {
	failed := v.dirty
	for _, g := range v.sealed {
		failed = append(failed, g.dirty...)
	}
	v.committed.freeze(failed)
	v.Drop()
}

// Drop forgets what was never published.
func (v *Overlay) Drop() {
	for _, g := range v.sealed {
		g.snapshot.Release()
	}
	v.sealed = nil
}

// written is a copy of the key's object in the newest sealed batch that has it; nil: none
// has. The batch's own is about to be shown to readers.
func (v *Overlay) written(key string) *resolve.Object {
	for i := len(v.sealed) - 1; i >= 0; i-- {
		if at, ok := v.sealed[i].objects[key]; ok {
			return v.sealed[i].dirty[at].Clone()
		}
	}
	return nil
}
