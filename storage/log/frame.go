package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"

	"kvd/logical"
)

// A frame is the unit that is verified. All numbers are little-endian.
//
//	crc     u32      CRC-32C of all that follows, begun with the frame's own position
//	magic   3 bytes  what a search for frames looks for
//	kind    u8       what the body is; of a group: whether it is its first or last frame
//	length  u32      bytes of the body
//	synced  u32      what was known to be durable when the frame was written: all of this
//	                 segment before that offset; zero: only the segments before
//	body
const (
	frameMagic = "\xc1KL" // no MessagePack begins with 0xc1
	headBytes  = 16
)

// The kinds of frames.
const (
	kindGroup  byte = 0x10 // a part of a group: items
	kindHeader byte = 0x20 // the first frame of a segment
	kindMark   byte = 0x30 // nothing; it says what was durable when the log was closed
	kindRanges byte = 0x40 // the first part of the footer
	kindIndex  byte = 0x50 // the second part of the footer
	kindBegin  byte = 0x60 // of the file that says where the log begins

	flagFirst byte = 1 // of a group
	flagLast  byte = 2
	flags          = flagFirst | flagLast
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBad says that no valid frame or group is where one was looked for.
var errBad = errors.New("no valid frame")

// checksum is the CRC-32C of a frame after its first field. The position is what the
// register begins with: equal frames at two positions have different checksums, and no
// byte of the position has to be put before those of the frame.
func checksum(frame []byte, at Position) uint32 {
	seed := uint32(at) ^ bits.RotateLeft32(uint32(at>>32)*0x9e3779b1, 16)
	return crc32.Update(seed, castagnoli, frame[4:])
}

// finishFrame fills in the head of a frame whose body is there.
func finishFrame(frame []byte, at Position, kind byte, synced uint32) {
	copy(frame[4:], frameMagic)
	frame[7] = kind
	binary.LittleEndian.PutUint32(frame[8:], uint32(len(frame)-headBytes))
	binary.LittleEndian.PutUint32(frame[12:], synced)
	binary.LittleEndian.PutUint32(frame, checksum(frame, at))
}

// head is the head of a frame, not yet verified.
type head struct {
	kind   byte
	synced int64
	size   int64 // of the whole frame
}

// parseHead reads a head of headBytes bytes.
func parseHead(b []byte) (head, bool) {
	h := head{b[7], int64(binary.LittleEndian.Uint32(b[12:])), headBytes + int64(binary.LittleEndian.Uint32(b[8:]))}
	switch h.kind &^ flags {
	case kindGroup:
	case kindHeader, kindMark, kindRanges, kindIndex, kindBegin:
		if h.kind&flags != 0 {
			return head{}, false
		}
	default:
		return head{}, false
	}
	return h, string(b[4:7]) == frameMagic
}

// verified reports whether a whole frame is as it was written at that position.
func verified(frame []byte, at Position) bool {
	return binary.LittleEndian.Uint32(frame) == checksum(frame, at)
}

// searchFrame finds the first intact frame in b at or behind from. The byte b[0] stands at
// position at. Each candidate costs a checksum over as much as it claims, and what a client
// writes may look like many; so the work is bounded, and errBad says that it was too much.
func searchFrame(b []byte, from int, at Position, work *int64) (int, head, error) {
	for i := from; ; i++ {
		next := -1
		if i+headBytes <= len(b) {
			next = bytes.Index(b[i+4:], []byte(frameMagic))
		}
		if next < 0 || i+next+headBytes > len(b) {
			return len(b), head{}, nil
		}
		i += next
		h, ok := parseHead(b[i:])
		if !ok || h.size > int64(len(b)-i) {
			continue
		}
		if *work -= h.size; *work < 0 {
			return 0, head{}, errBad
		}
		if verified(b[i:i+int(h.size)], at+Position(i)) {
			return i, h, nil
		}
	}
}

// An item begins with uvarint(n<<2 | kind):
//
//	op    n bytes of the operation that is next in the run
//	note  n bytes
//	run   8 bytes of an origin; n is the sequence number of its operation that is next
const (
	itemOp   = 0
	itemNote = 1
	itemRun  = 2

	originBytes = 8
)

// items goes through the body of a frame of a group.
type items struct {
	rest []byte
	dot  logical.Dot // of the next operation
}

// next is the next operation or note, false at the end; errBad: these are no items.
func (it *items) next() (Entry, bool, error) {
	for len(it.rest) > 0 {
		v, k := binary.Uvarint(it.rest)
		n := v >> 2
		if k <= 0 {
			return Entry{}, false, errBad
		}
		it.rest = it.rest[k:]
		switch kind := v & 3; {
		case kind == itemRun && len(it.rest) >= originBytes && n > 0:
			it.dot = logical.Dot{Origin: logical.Origin(binary.LittleEndian.Uint64(it.rest)), Seq: logical.Seq(n)}
			it.rest = it.rest[originBytes:]
			continue
		case kind > itemNote || n > uint64(len(it.rest)) || kind == itemOp && it.dot.Origin == 0:
			return Entry{}, false, errBad
		case kind == itemNote:
			e := Entry{Bytes: it.rest[:n:n]}
			it.rest = it.rest[n:]
			return e, true, nil
		}
		e := Entry{it.dot, it.rest[:n:n]}
		it.rest = it.rest[n:]
		it.dot.Seq++
		return e, true, nil
	}
	return Entry{}, false, nil
}
