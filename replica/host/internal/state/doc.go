// Package state is what one leader holds: the committed state, which readers see, and
// the overlay of the running batch, which the core's steps see.
//
//	core ─ puts ─▶ Overlay ─ Stage ─▶ batch ─ commit ─▶ Publish ─▶ Committed ◀─ reads, lock-free path
//
// An [Overlay] is what is stored with the running batch laid over it, what the running
// step has put so far included: it watches the output that the core appends to. An
// object that several steps put is written once. A read that fails sticks and fails the
// commit. [Committed] is the state of the last commit, encoded objects and, on demand, a
// [Snapshot] of the store, all of one moment.
//
// It is not the pump: it drives no core, commits no batch and starts no goroutine.
//
// # The ledger
//
// The overlay keeps the ledger of lost writes in step with the folds: the core puts
// verdicts ([replica.PutLoss], [replica.DropLoss]), ledger.go collects what they change,
// and apply.go puts rows, their order and the counts into the same batch, and evicts the
// oldest rows beyond the bound. bloom.go answers most questions about writes that were
// never lost. Rows and their encoding are the storage's; questions that people ask about
// them are answered in replica/ledger.
//
// Invariants:
//
//   - nothing of a batch is shown to readers before it is as durable as the store
//     promises;
//   - nobody holds an object of a step once the batch after its own was published: its
//     memory is used again, and spoilt before where tests look for races;
//   - the objects in memory are what the store holds; what a reader is shown of one is
//     copied while the lock is held, unless nobody writes to it any more;
//   - as long as every object that was ever stored is in memory, a key that is not there
//     has none;
//   - the ledger is stored with the folds that changed it, stays within its bounds, and
//     fails no write: of the verdicts ever inserted each is held, retracted, or evicted
//     and counted.
//
// Files: committed.go, snapshot.go, read.go, cache.go (what readers see; package cache
// keeps the bytes), warm.go (what is in memory after a start), population.go and expiries.go (how many keys there are), overlay.go
// (what steps see), objects.go (whose memory is used again), ledger.go, apply.go and bloom.go (the ledger), diskerror.go.
package state
