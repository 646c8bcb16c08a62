// Package locks is the commands that take, renew and release locks, and write under them.
//
//	KVD.LOCK, KVD.RENEW, KVD.UNLOCK, KVD.LOCKINFO ─▶ quorum.Service, at any leader
//	KVD.FENCED ─▶ is the lock held under this token? ─▶ in time: an ordinary write of this leader
//	KVD.QUORUM ─▶ who votes
//
// # What a fenced write promises
//
// The leader that takes it asks the quorum first, and accepts the write only while the lease that it
// was told of cannot have ended: it counts what was left of it by the monotonic clock, from before it
// asked, at the moment when the core decides. So a write under a token that is over is refused at
// every leader, whether or not that leader has heard of a newer token; a holder, or a leader, that
// was paused across the end of the lease is refused; and without a majority nothing fenced is written.
//
// What it does not promise:
//
//   - the op carries no token to other leaders. A leader where the next holder writes may not yet have what the
//     last one wrote: the two are then judged by the key's resolver like any others. A holder that reads
//     with the token of the last write (KVD.GET … TOKEN, or KVD.WAITFOR) follows it;
//   - who unlocks while a fenced write of its own is still under way may see it accepted after that;
//   - writes without a token, and effects elsewhere, are not fenced;
//   - a machine that is suspended whole may have its monotonic clock stand still. The quorum's goes on.
package locks
