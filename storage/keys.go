package storage

import (
	"encoding/binary"

	"kvd/logical"
	"kvd/resolve"
)

// The letters that storage keys begin with; doc.go has the table.
const (
	inLog      = 'L'
	inObjects  = 'K'
	inLedger   = 'P'
	inRequests = 'Q'
	inTwins    = 'T'
	inMeta     = 'M'
)

func appendDotKey(dst []byte, letter byte, d logical.Dot) []byte {
	dst = append(dst, letter)
	dst = binary.BigEndian.AppendUint64(dst, uint64(d.Origin))
	return binary.BigEndian.AppendUint64(dst, uint64(d.Seq))
}

func appendLogKey(dst []byte, d logical.Dot) []byte { return appendDotKey(dst, inLog, d) }

func appendTwinKey(dst []byte, d logical.Dot) []byte { return appendDotKey(dst, inTwins, d) }

func appendObjectKey(dst []byte, key string) []byte {
	return append(append(dst, inObjects), key...)
}

func appendRequestKey(dst []byte, client, number uint64) []byte {
	dst = append(dst, inRequests)
	dst = binary.BigEndian.AppendUint64(dst, client)
	return binary.BigEndian.AppendUint64(dst, number)
}

func appendLossKey(dst []byte, r resolve.ID, key string, d logical.Dot) []byte {
	dst = append(dst, inLedger, byte(r))
	for i := range len(key) {
		dst = append(dst, key[i])
		if key[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	dst = append(dst, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(d.Origin))
	return binary.BigEndian.AppendUint64(dst, uint64(d.Seq))
}

// lossUserKey is the user's key in a ledger key: the reverse of appendLossKey.
func lossUserKey(k []byte) (string, bool) {
	const head, tail = 2, 2 + 16
	if len(k) < head+tail {
		return "", false
	}
	escaped := k[head : len(k)-tail]
	key := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		key = append(key, escaped[i])
		if escaped[i] == 0 {
			i++
		}
	}
	return string(key), true
}

func appendStateKey(dst []byte) []byte { return append(append(dst, inMeta), "state"...) }

func appendLivesKey(dst []byte) []byte { return append(append(dst, inMeta), "lives"...) }
