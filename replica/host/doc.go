// Package host is the pump that turns the pure core into a leader, the loop that
// runs it, and what is read beside the loop.
//
//	inputs ─▶ Step each ─▶ Ship ─▶ Commit one batch (fsync) ─▶ publish ─▶ Release: replies, sends, events
//	                                                              │
//	reads ────────────────────────────────────────────────────────┴▶ replies, on the reader's goroutine
//
// Group commit falls out of it: whatever was drained together shares one batch
// and one sync. The stages are separate calls of [Pump] so that a crash can be
// placed between any two of them; the simulator calls them itself, and [Loop] is
// for a process of its own.
//
// The pump's reader is what is stored with the running batch laid over it, what
// the running step has put so far included: it watches the output that the core
// appends to. An object that several steps of a cycle put is written once. A read
// that fails on disk fails the request whose key it was for, before the core has
// seen it; within a step it sticks and fails the commit. A commit that fails halts
// the loop: nothing is acknowledged, applied or sent any more, and what was durable
// is still read, until Stop.
//
// Open begins a new life: it keeps what the store holds and takes life as the
// origin of what is accepted from now on. A leader that was not closed cleanly
// cannot know that nobody holds ops its log lost, and a new origin makes reuse
// of a dot impossible. Resume goes on with the old one, for whoever does know.
//
// A store says under which policy its objects are. [FoldAgain] brings one under
// another, from its log; opening does so too, so that no pump ever serves objects of
// another policy, or half of them.
//
// Files, in the order of the picture: pump.go and view.go (the cycle and its
// reader), ledger.go, settle.go and sieve.go (the lost writes of a batch, and what
// is evicted for them), loop.go, cycle.go and desk.go (the goroutine around it, and
// whose reply is whose), shelf.go and cache.go (what is durable, for readers),
// refold.go, refoldcheck.go and again.go (another policy), large.go, keys.go, ask.go, sweep.go and standing.go (what else is asked of a leader).
//
// Invariants:
//
//   - nothing leaves, and nothing is shown to readers beside the loop, before it
//     is as durable as the store promises;
//   - what one call reads, it reads as of one moment, and the token it is given
//     has seen that and nothing later;
//   - the published frontier covers every op ever given to the outbox;
//   - decoded objects are what the store holds; only the pump writes to a store;
//   - the ledger of lost writes is stored with the folds that changed it, stays
//     within its bounds, and fails no write: of the verdicts ever inserted each is
//     held, retracted, or evicted and counted;
//   - every request that was taken is answered exactly once, whatever happens.
package host
