// Package verify reads every byte of a store that nobody has open, and says what of it is
// not as it was written.
//
//	files      every segment of the log: each frame, each footer
//	           every table and file of separated values: each block
//	           the marker and the manifest that it names
//	together   the database's position lies in the log, the log reaches the state's
//	           frontier, every object and row can be read, ledger and stats agree
//
// What the package is not: it changes nothing and mends nothing. A leader that starts on a
// damaged store makes it anew (package salvage), and a leader that serves looks through its
// own files, each as it is done here (package scrub).
//
// Invariants:
//
//   - one damage hides no other, as far as what is behind it can be found;
//   - no file is changed; the store's lock is taken meanwhile.
package verify
