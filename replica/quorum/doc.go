// Package quorum is the few leaders that decide by majority what must be unique, which
// leaders that write alone cannot: who holds which lock.
//
//	[Service.Do] ─▶ the one that leads the quorum ─▶ raft ─▶ lease.State at every voter ─▶ answer
//	    └── over a link, if that is another leader                └─ log in a small database of its own
//
// Raft (Ongaro and Ousterhout, "In search of an understandable consensus algorithm", 2014) is
// hashicorp/raft. Its log and its votes are in a pebble of their own, and each write is synced. Its
// messages go over connections of package link: leaders greet each other as for every link, with
// the same certificates and at the same port.
//
// # Only where it is asked for
//
// A cluster whose quorum was never named has none: no file, no goroutine, no connection. An
// operator names the voters once ([Service.Set]), at any leader.
//
// # Why there are never two
//
// The first time, every leader that is listed in the cluster must be there and say that it knows of no
// quorum, not just those that are to vote. Each promises the number of the attempt first, as an acceptor
// does (Lamport, "Paxos made simple", 2001), and then takes the voters of the greatest number that it
// promised; one that has taken voters says so to whoever asks, and keeps them. So of two halves of a
// cut neither can make a quorum, and of two operators one does. An attempt that broke off in
// the middle is completed by naming the same voters again. Who is dead for ever is forgotten before.
//
// From then on voters change one at a time by raft's own rule, which needs a majority of the old
// ones: the new ones are added first, and then the others removed.
//
// # Why nobody votes twice
//
// A voter is its leader's name and the incarnation of its database, which is drawn when the
// database is made. A leader whose directory was wiped, or is a copy or an older backup
// (Config.Whole says that it is neither), has another incarnation, and so is nobody that the quorum
// knows: it does not vote, until the voters are named again. It may have promised something that it
// does not remember.
//
// # Time
//
// Whoever leads counts how long a lease has lasted, by this machine's monotonic clock, and proposes
// that it ends. A new leader counts all from their beginning: a lease may last longer for
// that, never shorter. No wall clock is read.
//
// [Answer] says how much of a lease is left. Whoever asked counts it from before it asked.
//
// Invariants:
//
//   - nothing is answered that a majority has not agreed on: what holds a lock is read and
//     then the leadership verified with a majority, so a leader that was paused
//     or cut off says nothing;
//   - without a majority there is an answer within the time that the caller gives: [ErrNoQuorum];
//   - what a member keeps is bounded: of locks by package lease, of the log by snapshots.
//
// What the package is not: it knows no commands and no ops, and does not trust a clock of another
// machine. An effect outside of the quorum is not undone when a lease ends: package
// node/internal/locks says what a fenced write promises.
package quorum
