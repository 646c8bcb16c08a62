package wire

import (
	"encoding/binary"
	"math"

	"kvd/logical"
)

// The leading bytes of MessagePack, as far as they are used here.
const (
	mBin8     = 0xc4
	mBin16    = 0xc5
	mBin32    = 0xc6
	mUint8    = 0xcc
	mUint16   = 0xcd
	mUint32   = 0xce
	mUint64   = 0xcf
	mInt8     = 0xd0
	mInt16    = 0xd1
	mInt32    = 0xd2
	mInt64    = 0xd3
	mStr8     = 0xd9
	mStr16    = 0xda
	mStr32    = 0xdb
	mArray16  = 0xdc
	mArray32  = 0xdd
	mFixArray = 0x90
	mFixStr   = 0xa0
	mNegFix   = 0xe0
)

// appendUint writes n in the fewest bytes.
func appendUint(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<8:
		return append(dst, mUint8, byte(n))
	case n < 1<<16:
		return append(dst, mUint16, byte(n>>8), byte(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, mUint32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, mUint64), n)
}

// appendInt writes n in the fewest bytes.
func appendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, mInt8, byte(n))
	case n >= math.MinInt16:
		return append(dst, mInt16, byte(n>>8), byte(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, mInt32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, mInt64), uint64(n))
}

// appendArray announces n elements.
func appendArray(dst []byte, n int) []byte {
	switch {
	case n < 1<<4:
		return append(dst, mFixArray|byte(n))
	case n < 1<<16:
		return append(dst, mArray16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, mArray32), uint32(n))
}

func appendString(dst []byte, s string) []byte {
	n := len(s)
	switch {
	case n < 1<<5:
		dst = append(dst, mFixStr|byte(n))
	case n < 1<<8:
		dst = append(dst, mStr8, byte(n))
	case n < 1<<16:
		dst = append(dst, mStr16, byte(n>>8), byte(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, mStr32), uint32(n))
	}
	return append(dst, s...)
}

// binRoom is the longest announcement of bytes.
const binRoom = 5

// closeBin announces the bytes after start+binRoom, where room was left, and
// moves them up to their announcement.
func closeBin(dst []byte, start int) []byte {
	var head [binRoom]byte
	body := dst[start+binRoom:]
	dst = append(dst[:start], appendBinHeader(head[:0], len(body))...)
	return append(dst, body...) // to the left: append copies as memmove does
}

func appendBinHeader(dst []byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(dst, mBin8, byte(n))
	case n < 1<<16:
		return append(dst, mBin16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, mBin32), uint32(n))
}

// appendFrontier writes origins and places, by origin.
func appendFrontier(dst []byte, f logical.Frontier) []byte {
	dst = appendArray(dst, 2*f.Len())
	for d := range f.All() {
		dst = appendUint(appendUint(dst, uint64(d.Origin)), uint64(d.Seq))
	}
	return dst
}
