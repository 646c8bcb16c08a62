// Package codec is the one MessagePack codec: what stores hold and what leaders send
// each other is written with it.
//
// Every encoding is canonical: the narrowest header for every number and length, one
// encoding for one value. A decoder rejects whatever the encoder would not have written,
// so encoding a decoded value again gives the same bytes, and equal values can be
// compared by them. There are two ways to write:
//
//   - Hot encodings are append-style, by hand: ops ([AppendOp]), objects
//     ([AppendObject]), ledger rows (package losses), the dots of requests and batches
//     (package wire). They are written and read with each write, without allocations
//     beyond the result, and [Reader] shares the bytes of keys and values until they are
//     copied once.
//   - Records, which is everything else, go through msgpack/v5: [Encoder] and [Decoder].
//     msgpack/v5 accepts several encodings of a value and takes up to 1 MB for an
//     announced length, so the decoder compares each value read with its only encoding,
//     and each length with the bytes left, before it goes on.
//
// Both believe no length before they have seen the bytes. Tests hold the hot primitives
// and the two readers against msgpack/v5 and each other.
//
// What does not go through the codec: tokens of clients, which are unsigned varints
// under base64, as clients hold them already; and frames' heads and storage keys, whose
// fields have fixed widths because their order or place matters.
//
// The package knows no store and opens nothing, so that package wire can use it without
// a database. The layouts are described where they are written: op.go, object.go, and
// in package storage next to each record.
//
// Files: append.go and reader.go have the primitives of hot encodings, parts.go what
// several of them share, op.go with origins.go and object.go the layouts, single.go
// what is read of most objects, limits.go
// what a value may hold at most, record.go the encoder and decoder of records.
package codec
