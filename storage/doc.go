// Package storage is one leader's disk: its log, the objects folded from it, the ledger
// of lost writes, and the leader's own state. The log is a write-ahead log of its own
// (package log, in the directory log below the database). Everything else is in pebble,
// which has no write-ahead log: this one is it.
//
// Whatever a step changes goes into one [Batch], and a batch is stored whole or
// not at all; so log, objects, ledger and frontier agree after any crash, and a
// [Snapshot] is always a causal cut. A simulated disk is another filesystem
// ([Options].FS), never another store.
//
// # The log and the database
//
// A batch of a step is one group of the log: its ops, and one note, which is a pebble batch
// with the rows that the batch changes. Objects are not in it, because they follow from
// the ops. A commit writes the group to the log, syncs it as [Options].Sync says, and
// puts the rows into the database. Objects go there with them, together with the position
// of the log that they reflect; or, under [Options].WriteBehind, they wait in memory and
// go there many at a time, in the order of their keys, with the position of all of them.
//
//	Batch ─▶ log: ops and a note ─▶ fdatasync ─▶ durable
//	                    ├─▶ database: rows ────────────────────────┐
//	                    └─▶ behind: objects ─▶ database, position ─┴▶ flushed when pebble likes
//
// Open reads the log behind the position, puts the rows of the notes into the database and
// folds the ops into the objects again, in the order of the log. Folding is the one that
// package resolve does for every leader, under the policy that the rows name. A store that
// is only read is shown with all that laid over it, and nothing is written.
//
// What is known everywhere may be removed from the log's beginning ([Store.Collect]), and
// with it the rows that name its ops: requests, duplicates, sums. What the database does
// not reflect durably stays. Ops are then read from where the log begins ([log.Log.First]).
//
// A batch without ops and without a state is not of a step. It goes into the database
// alone and is flushed when it must be durable: what is salvaged, and objects that are
// folded again.
//
// A store of format 3 or before keeps its ops as rows of the database. Opening it writes
// them to a new log in an order of cause and effect, and drops the rows with the batch that
// gives the store its format. Whatever ends that before its end, the next opening begins
// it again.
//
// # Rows
//
// Keys are one letter and big-endian fields, so that byte order is the order of
// the fields:
//
//	key                             value                    order
//	K key                           object, key left out     by key
//	P key* origin(8) seq(8)         ledger row, key left out by key, dot
//	R position(8)                   key of the ledger row    by age in the ledger
//	Q client(8) number(8)           dot the request was given
//	T origin(8) seq(8)              all dots of the same request, if there are several
//	A origin(8)                     what the log adds up to    by origin
//	A origin(8) seq(8)              the same, every 256 ops    by seq
//	C origin(8) seq(8) hash(8)      op that another leader has under the dot
//	D origin(8) seq(8)              dot of the op that settles a dot given twice
//	M "conflicts"                   how many dots have two contents
//	M "state"                       state
//	M "policy"                      the policy that the objects are folded under
//	M "position"                    how much of the log the objects reflect, as place and frontier
//	M "lives"                       origins of the leader's incarnations
//	M "ledger"                      ledger stats
//	M "format"                      number of all these layouts together
//	S origin(8) seq(8)              op that was salvaged and waits to be applied again
//	L origin(8) seq(8)              op of an older store, until it is upgraded
//	O key* origin(8) seq(8) resolver(1)
//	                                row of an older ledger, while it is upgraded
//
// key* is the user's key with each zero byte written as 00 FF, ended by 00 00:
// keys are arbitrary bytes, and this keeps their order and shows where they end.
//
// Values are MessagePack in canonical form, the format's version first, and written with
// package codec, which has the layouts of ops and objects. Other layouts are described
// where they are written: package losses, package internal/rows, conflicts.go and sums.go.
//
// # The ledger
//
// The storage part of the ledger is ledger.go: rows by key and dot, their index by
// position, and the ledger stats. Each batch that changes a row changes index and stats
// with it; [Store.CheckLedger] compares the three. What a row, the stats and the retention
// are is package losses. Package host applies what folding decided to rows and evicts;
// package ledger (of replica) answers questions from what is read here.
//
// # Parts
//
//	codec     the one MessagePack codec
//	log       the segmented write-ahead log
//	internal/rows     keys of the database, and encodings of small rows
//	internal/collect  drops rows that name ops which leave the log
//	internal/ahead    reads the log ahead of whoever folds it
//	internal/logs     the log of an older store
//	losses    rows, stats and retention of the ledger
//	disk      the filesystem as pebble sees it; faults, damage and advice
//	salvage   what is left of a damaged store, and whether one file is as it was written
//	verify    whether a whole store is
//	scrub     the same for a store that is written to, round after round
//	history   a stretch of history in one file
//	checkpoint     the files of a store at one moment, while it goes on
//	backup    such files in a directory of their own, and a store made of them
//	exported  writes in a file for people
//	offline   verifies and restores directories that no leader runs on
//	file      small files beside the store, replaced whole
//
// What the package is not: it judges no op and keeps no verdict that it was not given
// (replay keeps what folding keeps, and asks for no verdicts), and it does not know the
// core it serves; package host translates.
//
// Invariants:
//
//   - a committed batch survives a crash as [Options].Sync promises; one that was
//     not synced survives whole or not at all, and none survives that follows one
//     which does not;
//   - the log is durable before the database: pebble flushes nothing that a log which lost
//     its end would not have. A database beyond the end of its log is damaged;
//   - what a crash leaves is, once it is opened, row for row what the store held behind
//     some batch, at least the last one that was synced;
//   - the ops of an origin are put in order, without gaps; one that is not the next
//     stops the store and is not stored;
//   - after a failed write nothing more is committed: every later Commit fails
//     with the first error;
//   - what is read is the caller's own memory, and what is put is copied.
//
// Files: store.go, options.go, batch.go and snapshot.go are the store; behind.go has the
// objects that wait, and replay.go brings the database up to the end of the log; read.go,
// scan.go, entries.go and random.go read it; judged.go, duplicates.go, conflicts.go,
// sums.go, ledger.go and waiting.go have one kind of row each; salvage.go and upgrade.go take
// in damaged and older stores; collect.go removes what need not be kept. Keys, most encodings, and which values stand in files of
// their own are in internal/rows; the list of objects that wait is in internal/pending.
package storage
