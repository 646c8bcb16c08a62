// Package recovery opens a leader's store, and makes it anew from what can be read when
// it is damaged. What is then missing comes back from the others as their ops always
// come, and is watched until it is all there.
//
//	[Open]: whole? ─▶ serve
//	          └─ no ─▶ salvage into a new store, keep the old one beside it ─▶ [Disk.Reapply]
//	                     ─▶ [Disk.Heal]: clients wait while others may have what is missing
//
// How far the store had come is kept beside it (the extent), since a damaged store does
// not say of itself what it lost.
//
// Invariants:
//
//   - whenever it is stopped, the next start goes on: until the new store is whole and
//     has the name that says so, the damaged one is where it was;
//   - what was claimed and is missing stays claimed until it is back, so the origin is
//     not resumed ([Disk.Doubt]);
//   - nothing damaged is deleted.
//
// What it is not: it fetches nothing, and does not say whether clients are served;
// whoever gives it block does.
package recovery
