// Package wire is what leaders say to each other, in bytes.
//
// A frame is
//
//	length  4 bytes, big endian: of the body
//	kind    1 byte: format (3 bits), packed (1 bit), [Kind] (4 bits)
//	check   4 bytes, big endian: CRC32C (Castagnoli) of kind and body
//	body    MessagePack, or an S2 block of it when packed
//
// The check is compared before anything of the body is read. Bodies are written and
// read with package codec, so that an accepted body has exactly one encoding. A
// greeting, a refusal and a status are records of it, which go through msgpack/v5.
// Batches, parts, credit and published messages are on the hot path and written
// append-style. What leaders say of repair is bytes here; package repair (of node) writes it.
//
// A batch's body is a row of byte strings, one an op. An op is sent in the bytes that
// it is stored in (codec.AppendOp).
//
// An op larger than a frame should be goes in parts, so that what is urgent need not
// wait for all of it: each says how many bytes of the op are still to come, and frames
// of other kinds, batches excepted, may stand between them.
//
// The package opens no connection and starts no goroutine. Appending functions
// grow the caller's buffer; a [Decoder] keeps one buffer for frames and one for
// unpacked bodies, and what it returns shares no memory with either.
//
// Invariants:
//
//   - a frame above the limit, or a packed one that would unpack above it, is
//     refused before memory is taken for it;
//   - memory grows with bytes that arrived, never with bytes announced: beyond
//     that, four times as much;
//   - an op is handed out only with a dot, and dependencies that include
//     all before it of its own origin; the core takes that as given.
package wire
