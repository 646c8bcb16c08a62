package wire

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Kind is what a frame carries.
type Kind uint8

// The kinds. Their numbers are on the wire; new ones go at the end, below 16.
const (
	KindHello     Kind = 1 + iota // the first frame of whoever dialled
	KindWelcome                   // the answer of whoever accepts
	KindRefuse                    // the answer of whoever does not; either side may send it
	KindBatch                     // a replica.Batch
	KindStatus                    // a replica.Status
	KindCredit                    // more may be sent; zero: still here
	KindGoodbye                   // nothing more will follow
	KindPart                      // a part of a large op; a Decoder gives the whole as a KindBatch
	KindPublished                 // a Published
	KindRepair                    // what leaders compare their objects by, since version 8
	KindFetch                     // a Hello of whoever dialled to fetch state: what follows the welcome is no frame
	KindQuorum                    // likewise, of whoever dialled for the quorum that decides by majority
	KindPolicy                    // likewise, of whoever dialled to speak of the policy, which may differ
	kinds
)

// String names the kind.
func (k Kind) String() string {
	if k == 0 || k >= kinds {
		return "unknown"
	}
	return [...]string{"hello", "welcome", "refuse", "batch", "status", "credit", "goodbye", "part", "published", "repair", "fetch", "quorum", "policy"}[k-1]
}

// What is wrong with bytes that are no frame of ours. Each is wrapped with what
// was found; the connection they came from is of no further use.
var (
	ErrTooLarge  = errors.New("frame is larger than the limit")
	ErrChecksum  = errors.New("checksum does not fit the frame")
	ErrUnknown   = errors.New("frame is of a format or kind not known to this version of the program")
	ErrMalformed = errors.New("frame cannot be read")
)

// HeadBytes is how many bytes a frame has before its body.
const HeadBytes = 9

const (
	format     = 1 // in the highest three bits of the kind byte
	packedFlag = 1 << 4
	kindBits   = 1<<4 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// begin leaves space for a head; the body follows.
func begin(dst []byte) []byte { return append(dst, make([]byte, HeadBytes)...) }

func finish(dst []byte, start int, kind byte) []byte {
	head, body := dst[start:start+HeadBytes], dst[start+HeadBytes:]
	binary.BigEndian.PutUint32(head, uint32(len(body)))
	head[4] = format<<5 | kind
	binary.BigEndian.PutUint32(head[5:], checksum(head[4:5], body))
	return dst
}

func checksum(kind, body []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, kind), castagnoli, body)
}
