// Package disk is the filesystem as pebble sees it, and what goes wrong beneath a store.
//
// [FS] keeps the first failed change as the store's fault: after it nothing is committed,
// because only opening it again finds out what the disk holds. Reading goes on. Damage to
// what is read stops nothing and is kept apart. [CauseOf] sorts errors into kinds, each
// with advice for whoever runs the leader.
//
// What it is not: it knows nothing of what a store holds.
//
// Invariants:
//
//   - pebble is never told of a failed change as it happens, because it would panic,
//     repeat it for ever or wait for it;
//   - no goroutine waits for a failed disk once [FS.Close] was called;
//   - the database compacts only while the store is open and nothing has failed.
//
// Files: fs.go the filesystem, file.go its files, fault.go the first failure, compactions.go when the database
// compacts, calls.go how long calls take, backlog.go memtables that wait for a
// flush, discard.go files after a failure, cause.go errors and advice, names.go
// names in the directory of a store, and its lock.
package disk
