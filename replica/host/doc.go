// Package host is the pump that turns the pure core into a leader, the loop that
// runs it, and the lock-free read path.
//
//	inputs ─▶ Step each ─▶ Write: Ship, one batch ─▶ sync ─▶ Publish: replies, sends, events
//	             ▲                  │                            │
//	             └── the next batch ┘                            │
//	reads ───────────────────────────────────────────────────────┴▶ replies, on the reader's goroutine
//
// Group commit follows from it: whatever was drained together shares one batch
// and one sync. The stages are separate calls of [Pump] so that a crash can be
// placed between any two of them; the simulator calls them itself, and [Loop] is
// for a process of its own.
//
// A batch is written when the store has taken it: the log has its ops and the next steps
// are taken over it. It is published when it is durable: what it made may leave, and
// readers are shown it. Between the two lies the sync, which a goroutine of the loop makes
// while the loop steps into the next batch whatever arrives; that one is written once the
// sync has ended. Batches are published in the order in which they were written.
// [Pump.Commit] does all of it at once.
//
// Steps read the overlay of the running batch, below it the batches that are written and
// not published, and below those the committed state; all are in internal/state. A read that fails on disk fails the request whose key it was for,
// before the core has seen it; within a step it sticks and fails the commit. A commit
// or a sync that fails halts the loop: no batch that is not published is acknowledged or
// sent any more, though it may be on disk, and what was durable is still read, until Stop.
//
// Open begins a new incarnation: it keeps what the store holds and takes the given
// origin for what is accepted from now on. A leader that was not closed cleanly
// cannot know that nobody holds ops its log lost, and a new origin makes reuse
// of a dot impossible. Resume keeps the old origin, for whoever does know.
//
// A store says under which policy its objects are. Opening brings it under the policy of
// now, as package refold does, so no pump serves objects of another one.
//
// A leader accepts alone, but not for ever faster than its peers apply: while one of them
// falls behind, calls are held a little (internal/pace, which says whom nobody waits for).
//
// It is no network, no protocol and no file: messages leave through an Outbox, requests
// arrive as values, and the disk is package storage's.
//
// # The ledger
//
// The pump stages the ledger of lost writes with the folds that changed it
// (internal/state), commits when rows are due to be evicted though nothing else is
// stored, and wakes for that. [Pump.Ledger] and [Loop.Ledger] show its counts as they are
// durable.
//
// Files, in the order of the picture: pump.go, together.go and tamper.go (the cycle),
// loop.go, cycle.go, flight.go, queues.go and pending.go (the goroutines around it, what is
// being synced, and whose reply is whose), mend.go (what is put in place of what is damaged), halt.go (a disk that failed), keys.go, random.go and snapshot.go (what is
// read of many keys), touch.go (memory that is about to be read), sweep.go, status.go and recover.go (what else is asked of a leader).
//
// Invariants:
//
//   - nothing leaves, and nothing is shown to readers on the lock-free path, before it
//     is as durable as the store promises;
//   - what one call reads, it reads as of one moment, and the token it is given
//     has seen that and nothing later;
//   - the published frontier covers every op ever given to the outbox;
//   - only the pump writes to a store;
//   - every request that was taken is answered exactly once, whatever happens.
package host
