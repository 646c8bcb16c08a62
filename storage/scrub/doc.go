// Package scrub reads what a store has on disk, and finds what is not as it was written
// before anybody needs it.
//
// [File] verifies one file: a segment of the log (package log: each frame's checksum, its
// place, the order of operations, and the footer), a table, or a file of separated values
// (package salvage: the checksum of each block). [Files] lists those of a store. A store
// that is closed is verified by package verify, which also opens it.
//
// A [Scrubber] does it to the store of a running leader, round after round, at a bounded
// rate, and remembers how far it came.
//
//	Files ─▶ File ─▶ Finding ─▶ who runs it: says so, counts, and has the store made anew
//
// What it is not: it mends nothing, and it knows neither operations nor rows. It reads
// through the operating system, so what that has in memory is verified there and not on
// the disk; what nobody has asked for lately, which is what scrubbing is for, is not.
//
// Invariants:
//
//   - a file that is being written, or that is removed, is not damage;
//   - a place is told once for as long as the process runs;
//   - memory does not depend on how large the store is, but for what is behind damage in
//     one segment of the log.
//
// Files: file.go one file and the files of a store, scrubber.go the rounds, pace.go the rate.
package scrub
