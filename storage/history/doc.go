// Package history keeps a stretch of a cluster's history in one file, so that it
// can be judged elsewhere and later.
//
//	"KVDHIST1" | header frame | op frame … | end frame
//	frame: length of body(4) kind(1) CRC-32C of kind and body(4) body
//
// All fields are big-endian. The header says whose log it was, up to where, and
// which resolvers judged; ops are encoded as in the store ([codec.AppendOp]),
// in an order that respects causality; the end counts them and has a digest
// (xxHash64) of everything before, so that a file that was cut off, or whose
// frames were shuffled, is told from a whole one.
//
// What it is not: it is no backup. Objects, ledgers and a leader's own state are
// not in it, and no leader starts from it.
//
// Invariants:
//
//   - a file of its final name is whole: it is written under another name, synced
//     and renamed; a stream is whole when its end has come;
//   - equal headers and ops give equal bytes, and nothing else is read;
//   - a length is believed only as far as bytes follow.
package history
