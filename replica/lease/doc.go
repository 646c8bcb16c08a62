// Package lease is who holds which lock: the state machine that every member of a quorum
// keeps, and that agrees everywhere because it is fed the same entries in the same order.
//
//	entry, at its index in the log ─▶ [State.Apply] ─▶ [Result]
//
// A lock that is held for a time, unless it is renewed, is a lease (Gray and Cheriton, "Leases: an
// efficient fault-tolerant mechanism for distributed file cache consistency", SOSP 1989). Its
// [Token] is a fencing token (Burrows, "The Chubby lock service", OSDI 2006, where it is the
// sequencer; Kleppmann, "Designing Data-Intensive Applications", chapter 8): the index of the
// entry that granted it, below the epoch of the quorum. An index is used once and rises, so a
// token is unique and greater than all before it, and no lock has to leave a counter behind.
//
// No clock is read here. Whoever leads the quorum counts how long a lease has lasted, by time that has
// elapsed at its own machine, and then proposes an entry that says so ([Expire]). The entry names
// how often the lease had been renewed; a lease that was renewed meanwhile goes on.
//
// An acquire has an identity that its client chose. The same again, while its lease lasts, is given
// the same token: a client whose answer was lost tries again.
//
// Invariants:
//
//   - at most one lease of a name at a time;
//   - of two leases of a name, the later one has the greater token;
//   - what is released or expired leaves nothing; what is held is at most [MaxBytes] together.
//
// What the package is not: it knows no raft, no clock and no client. Package quorum has those.
package lease
