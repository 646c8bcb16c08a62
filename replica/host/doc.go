// Package host is the pump that turns the pure core into a leader: drain, step,
// commit, release.
//
//	inputs ─▶ Step each ─▶ Ship ─▶ Commit one batch (fsync) ─▶ Release: replies, sends, events
//
// Group commit falls out of it: whatever was drained together shares one batch
// and one sync. The stages are separate calls so that a crash can be placed
// between any two of them.
//
// The host's reader is what is stored with the running batch laid over it, what
// the running step has put so far included: it watches the output that the core
// appends to. An object that several steps of a cycle put is written once. A read
// that fails on disk sticks and fails the commit: a leader that cannot read its
// own log stops.
//
//	type Pump
//	  Open(cfg replica.Config, store *storage.Store, life logical.Origin, tamper Tamper) (*Pump, error)
//	  Resume(cfg replica.Config, store *storage.Store, tamper Tamper) (*Pump, error)
//	  (*Pump) Step(m wallclock.Moment, in ...replica.Input) error   // stages; may be called repeatedly
//	  (*Pump) Commit() error                                        // ships, stores, syncs
//	  (*Pump) CommitUnsynced() error                                // the simulator's crash between writing and syncing
//	  (*Pump) Release() *replica.Output                             // what may leave now; valid until the next Step
//	  (*Pump) State() replica.State
//	  (*Pump) Reader() replica.Reader                               // committed and staged state, for probes
//
// Open begins a new life: it keeps what the store holds and takes life as the
// origin of what is accepted from now on. A leader that was not closed cleanly
// cannot know that nobody holds ops its log lost, and a new origin makes reuse
// of a dot impossible. Resume goes on with the old one, for whoever does know.
package host
