// Package lock is kv lock: run a command while a lock is held, and look at locks.
//
//	NAME ─▶ holder (acquire, renew, release at whichever leader answers) ─▶ token
//	                      │                                                  ▼
//	command ◀─ SIGTERM, SIGKILL ◀─ watch (what is due at a moment)     KV_LOCK_TOKEN
//
// A lease is counted from before it was asked for, by a clock that goes on while the machine is
// suspended, and a tenth of it is left out for clocks that run at different rates (Gray and Cheriton,
// "Leases", SOSP 1989, section 5). Whether it may still be held is looked at many times in a lease. A
// command that may run on without the lock is told to end (SIGTERM) early enough to be killed before
// the lease ends; if this process itself stood still past that end, it is killed at once.
//
// What it cannot do: stop a command while this process stands still itself, or call back what the
// command sent before. For that the command writes under the token (KVD.FENCED, kv lock write).
//
// Invariants:
//
//   - no command runs before a lock is held, and none that we know of when this process has ended: it
//     is waited for, and on Linux killed with us. What it started is waited for too if it was told to end;
//   - a lock that was acquired is released at the end, whichever way the command ended; if it cannot
//     be, it ends by itself, and that is said. Whether it was still held then is asked first;
//   - an acquire that is tried again, at another leader or because an answer was lost, has the same identity
//     and so the same token.
package lock
