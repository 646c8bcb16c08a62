// Package logical is order without clocks: the identities of operations and
// the three counters that say which of them can have influenced which.
//
// It holds values only. Nothing here reads a clock, keeps a lock, or knows of
// keys, leaders or networks; time enters as an argument.
//
//   - A [Dot] names one operation for ever: the origin (one incarnation
//     of one leader's log) and its sequence number in that log.
//   - A [Frontier] is the set of operations a leader has applied, given by the
//     last sequence number of each origin: a version vector (Parker et al. 1983). It is
//     exact because a log has no gaps.
//   - A [Lamport] stamp orders an operation after everything its leader had
//     heard of (Lamport 1978).
//   - An [HLC] does the same while staying near the wall clock (Kulkarni et al.
//     2014), guarded against clocks that run too far ahead.
//
// Invariants: equal frontiers are equal bytes (sorted by origin, no zero
// entries); Next and Merge never return a stamp that is not above their
// receiver.
package logical
