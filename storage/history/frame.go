package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"kvd/resolve/limits"
	"kvd/storage/codec"
)

// magic begins every file; its last byte is the version of the layout.
const magic = "KVDHIST1"

// kind is what a frame carries.
type kind byte

const (
	headerKind kind = 'H'
	opKind     kind = 'O'
	endKind    kind = 'E'
)

// Sizes in bytes.
const (
	headBytes   = 9
	endBytes    = 16 // count, digest
	bufferBytes = 256 << 10
	maxFrame    = codec.MaxKey + codec.MaxValue + max(limits.Evidence, maxHeader)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame adds the frame of a body.
func appendFrame(dst []byte, k kind, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = append(dst, byte(k))
	dst = binary.BigEndian.AppendUint32(dst, checksum(k, body))
	return append(dst, body...)
}

func checksum(k kind, body []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, []byte{byte(k)}), castagnoli, body)
}

// errCut says that the file ends inside a frame or where one should be.
var errCut = errors.New("the file ends too early")

// frames reads frames one after another.
type frames struct {
	r    io.Reader
	head [headBytes]byte
	body bytes.Buffer
}

// next is the next frame; the body is lent until the one after. It takes no more
// memory than bytes follow.
func (f *frames) next() (kind, []byte, error) {
	if _, err := io.ReadFull(f.r, f.head[:]); err != nil {
		return 0, nil, cut(err)
	}
	n, k := binary.BigEndian.Uint32(f.head[:]), kind(f.head[4])
	if k != headerKind && k != opKind && k != endKind || n > maxFrame || k == headerKind && n > maxHeader {
		return 0, nil, fmt.Errorf("a frame of kind %q with %d bytes is none of ours", byte(k), n)
	}
	f.body.Reset()
	if _, err := io.CopyN(&f.body, f.r, int64(n)); err != nil {
		return 0, nil, cut(err)
	}
	if binary.BigEndian.Uint32(f.head[5:]) != checksum(k, f.body.Bytes()) {
		return 0, nil, errors.New("a checksum does not fit its frame")
	}
	return k, f.body.Bytes(), nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}
