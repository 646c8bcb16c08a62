// Package storage keeps what one leader knows: its log, the objects folded from
// it, the ledger of lost writes, and the leader's own state, in one pebble
// store.
//
// Whatever a step changes goes into one [Batch], and a batch is stored whole or
// not at all; so log, objects, ledger and frontier agree after any crash, and a
// snapshot of the store is always a causal cut. A simulated disk is pebble on
// another filesystem ([Options].FS), never another store.
//
// Keys are one letter and big-endian fields, so that byte order is the order of
// the fields:
//
//	key                             value                    order
//	L origin(8) seq(8)              op                       by place in the log
//	K key                           object, key left out     by key
//	P key* origin(8) seq(8)         ledger row, key left out by key, dot
//	R place(8)                      key of the ledger row    by age in the ledger
//	Q client(8) number(8)           dot the request was given
//	T origin(8) seq(8)              all dots of the same request, if there are several
//	A origin(8)                     what the log adds up to    by origin
//	A origin(8) seq(8)              the same, every 256 ops    by place
//	C origin(8) seq(8) hash(8)      op that another leader has under the dot
//	D origin(8) seq(8)              dot of the op that settles a dot given twice
//	M "conflicts"                   how many dots have two contents
//	M "state"                       state
//	M "policy"                      the policy that the objects are folded under
//	M "lives"                       origins of the leader's lives
//	M "ledger"                      what the ledger holds and what became of the rest
//	M "format"                      number of all these layouts together
//	S origin(8) seq(8)              op that was salvaged and waits to be applied again
//	O key* origin(8) seq(8) resolver(1)
//	                                row of an older ledger, while it is carried over
//
// key* is the user's key with each zero byte written as 00 FF, ended by 00 00:
// keys are arbitrary bytes, and this keeps both their order and the place where
// they end.
//
// Values are MessagePack in canonical form, the format's version first, and written with
// package codec, which has the layouts of ops and objects. Other layouts are described
// where they are written: rowcode.go, ledgerstats.go, state.go, judged.go,
// duplicates.go, and carry.go for what older stores have.
//
// The ledger's part here is ledger.go: rows by key and dot, their index by position, and
// the ledger stats. Package losses has what a row, the stats and the retention are; package
// host applies what folding decided and puts rows, index entries and stats in one batch.
//
// What the package is not: it decides nothing about ops, keeps no cache of
// decoded values, and does not know the core it serves; package host translates.
//
// Invariants:
//
//   - a committed batch survives a crash as [Options].Sync promises; one that was
//     not synced survives whole or not at all;
//   - after a failed write nothing more is committed: every later Commit fails
//     with the first error;
//   - what is read is the caller's own memory, and what is put is copied.
package storage
