// Package backup keeps copies of leaders' stores in directories, and makes stores of them
// again.
//
//	leader: checkpoint ─▶ [Source] ─▶ [Write] ─▶ DIR ─▶ [Check] ─▶ [Restore] ─▶ a new store
//
//	DIR/backup.json              what the backup has: leader, frontier, files with checksums
//	DIR/backup.unfinished        one was begun and has not ended
//	DIR/files/00000002.log-9f86d081884c7d65.zst
//
// A file is kept under its name and its checksum, in zstd. So a file that is there already
// is not copied again: a second backup into the directory brings the tables and the
// segments of the log that are new, the last segment as far as it was written, and pebble's
// manifest. The whole of what was taken first stays until the second is whole; then what
// only the first had is removed.
//
// # Why a stream to whoever asks
//
// etcdctl snapshot save streams to the client; Redis' BGSAVE and CockroachDB's nodes write at
// the server; pebble's Checkpoint makes hard links there. Here the leader makes links
// (package checkpoint), which takes it no room and no time, and the client fetches them. A
// disk that a backup fills is then never the one that acknowledges writes; no client names
// paths at a server; and a backup is at once on another machine, where it belongs. It is
// compressed there, too: a leader has better use for its processors. The client asks for
// piece after piece, so it is never sent more than it takes.
//
// # A moment
//
// A backup is what a crash of the leader at one moment would have left, and nothing of it
// is ever taken back: all that was acknowledged before it began is in it. What waited in
// memory follows from the log. A store that is restored holds ops of the origin that its
// leader went on with, so nobody may go on with that: whoever starts a restored store
// begins a new origin. Small files that say under which rules the store is (the policy that
// was set while the leader ran) are in the manifest itself, and are restored beside it.
//
// What the package is not: it asks no leader (that is [Source]'s), and opens no store.
//
// Invariants:
//
//   - backup.json is replaced whole, and names only files that are durable;
//   - a manifest that is not as it was written is never used, nor a file;
//   - a restore that has not ended is known by a file of its own (restore.unfinished), and
//     nothing is restored over anything else.
package backup
