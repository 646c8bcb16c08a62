// Package wire is what leaders say to each other, in bytes.
//
// A frame is
//
//	length  4 bytes, big endian: of the body
//	kind    1 byte: format (3 bits), packed (1 bit), [Kind] (4 bits)
//	check   4 bytes, big endian: CRC32C (Castagnoli) of kind and body
//	body    MessagePack, or an S2 block of it when packed
//
// The check is compared before anything of the body is looked at. The codecs are
// written by hand: every announced length is compared with the bytes that are
// there before memory is taken for it, and every number must be written in the
// fewest bytes, so an accepted body has exactly one encoding.
//
// A batch's body is a row of byte strings, one an op. How an op is written is
// not decided here: [Codec] brings it, so what is stored and what is sent can
// be the same bytes.
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
