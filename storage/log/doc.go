// Package log is the segmented write-ahead log of one leader: what a leader did, in the
// order in which it did it.
//
// A group is what one step of the leader has to make durable together: operations under
// their dots, and notes, which mean nothing here. It is there whole after a crash or not at
// all. The bytes of an operation are kept as they were appended, so that what is sent to
// peers is what is on disk.
//
//	00000001.log   header ─ group ─ group ─ … ─ group ─ footer
//	00000002.log   header ─ group ─ … ─ footer            the header says where 1 ended
//	00000003.log   header ─ group ─ group ─ (torn tail)
//
//	group    one or more frames of about 32 KiB; a larger item makes a larger frame
//	frame    crc, magic, kind, length, synced ─ items
//	item     run (origin, first seq) │ op (length, bytes) │ note (length, bytes)
//	footer   frame of ranges (origin, first, last) ─ frame of entries (seq, offset of frame)
//
//	begin          where the log begins: a frame of a segment's number and a frontier
//
// An operation is found through the ranges of the segments, an entry of one of them, and
// by reading forward from there. A group is never split over segments.
//
// # Torn or damaged
//
// A place where no valid frame is means that a crash came before it was durable, or that
// the disk lost it. A log must go on after the first and must not after the second. Three
// things tell them apart: each frame says up to where the log was known to be synced when it
// was written; a segment that another follows was synced first; and a log that was closed
// ends with a mark. So damage is not seen in the last group only when the leader was
// killed after it was synced and before it wrote another.
//
// A torn tail is overwritten with zeros. The checksum of a frame covers its position, so a
// frame that was moved, or was left by an older file, does not fit where it is.
//
// # Removal
//
// The oldest segments are removed when whoever keeps the log asks for it and says what must
// stay. A file says with which segment the log begins, and which operations of each origin
// were before it. It is replaced before any segment is removed: so a crash in between leaves
// a log that opens, and segments before the beginning are removed then. Without the file the
// log begins with segment 1 and has everything. A log can also be founded behind operations
// that it never had, where the state that they led to came from elsewhere.
//
// The segment that has the last group always stays, so the end of the log is known.
//
// # Why not pebble's
//
// pebble/v2/record frames a stream in blocks of 32 KiB with LevelDB's chunks: an operation
// is in pieces where a block ends, so it is not found by reading little and not sent as it
// lies there. Its LogWriter has its own goroutine and a queue of syncs that is tied to it;
// nothing can be read while it is written, nor from a position. Its Reader takes the first
// damage for the end in the older formats, and a group of several records has no end of its
// own. What it does well is here too: the synced offset in every frame.
//
// pebble/v2/wal adds two directories, failover between them and recycling of files, over
// the same records; it keeps no index, and a log of it is gone when its memtable is flushed.
//
// # What the package is not
//
// It does not know what operations or notes mean, removes nothing by itself, locks no
// directory, starts no goroutine and reads no clock.
//
// Invariants:
//
//   - operations of one origin are written as 1, 2, 3… without gaps, and what is kept of
//     them ends with the last: none is removed while one before it is kept;
//   - what Sync returned survives a crash; of what is behind it, a number of whole groups;
//   - a segment that another follows is whole and durable;
//   - nothing in a segment counts as durable before its directory entry does;
//   - after a failed write or sync nothing is written or synced any more, and the error of
//     every call is the first; reading goes on;
//   - what cannot be trusted is an error that names file and offset, never silently less.
//
// Files: log.go the log and its errors, append.go the appender, sync.go, open.go recovery,
// read.go finding and reading, remove.go where the log begins, verify.go the checksums of a
// segment, salvage.go what is left of a damaged log; frame.go and
// index.go the layout, scan.go reads frames, files.go the open files and loaded indexes.
package log
