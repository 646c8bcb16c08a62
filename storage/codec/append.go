package codec

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// The leading bytes of MessagePack, as far as they are used here.
const (
	mNil     = 0xc0
	mTrue    = 0xc3
	mBin8    = 0xc4
	mBin16   = 0xc5
	mBin32   = 0xc6
	mUint8   = 0xcc
	mUint16  = 0xcd
	mUint32  = 0xce
	mUint64  = 0xcf
	mInt8    = 0xd0
	mInt16   = 0xd1
	mInt32   = 0xd2
	mInt64   = 0xd3
	mStr8    = 0xd9
	mStr16   = 0xda
	mStr32   = 0xdb
	mArray16 = 0xdc
	mArray32 = 0xdd

	mFixArray = 0x90
	mFixStr   = 0xa0
	mNegFix   = 0xe0
)

// AppendUint writes n in the fewest bytes.
func AppendUint(dst []byte, n uint64) []byte {
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

// AppendInt writes n in the fewest bytes; numbers from zero on as AppendUint
// does.
func AppendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return AppendUint(dst, uint64(n))
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

// AppendArray writes the header of an array of n elements.
func AppendArray(dst []byte, n int) []byte {
	switch {
	case n < 1<<4:
		return append(dst, mFixArray|byte(n))
	case n < 1<<16:
		return append(dst, mArray16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, mArray32), uint32(n))
}

// AppendBinHeader announces n bytes.
func AppendBinHeader(dst []byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(dst, mBin8, byte(n))
	case n < 1<<16:
		return append(dst, mBin16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, mBin32), uint32(n))
}

// AppendBytes writes b; nil and empty differ.
func AppendBytes(dst, b []byte) []byte {
	if b == nil {
		return append(dst, mNil)
	}
	return append(AppendBinHeader(dst, len(b)), b...)
}

// appendTextHeader announces n bytes of UTF-8.
func appendTextHeader(dst []byte, n int) []byte {
	switch {
	case n < 1<<5:
		return append(dst, mFixStr|byte(n))
	case n < 1<<8:
		return append(dst, mStr8, byte(n))
	case n < 1<<16:
		return append(dst, mStr16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, mStr32), uint32(n))
}

// AppendKey writes a key: as a string if it is UTF-8, else as bytes, so that
// every MessagePack reader accepts it.
func AppendKey(dst []byte, key string) []byte {
	if utf8.ValidString(key) {
		dst = appendTextHeader(dst, len(key))
	} else {
		dst = AppendBinHeader(dst, len(key))
	}
	return append(dst, key...)
}
