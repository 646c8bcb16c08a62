package storage

import (
	"encoding/binary"

	"kvd/logical"
)

// The letters that storage keys begin with; doc.go has the table.
const (
	inLog        = 'L'
	inObjects    = 'K'
	inLedger     = 'P'
	inPositions  = 'R'
	inRequests   = 'Q'
	inDuplicates = 'T'
	inMeta       = 'M'
	inAside      = 'O'
	inSalvaged   = 'S'
	inSums       = 'A'
	inConflicts  = 'C'
	inSettled    = 'D'
)

func appendDotKey(dst []byte, letter byte, d logical.Dot) []byte {
	dst = append(dst, letter)
	dst = binary.BigEndian.AppendUint64(dst, uint64(d.Origin))
	return binary.BigEndian.AppendUint64(dst, uint64(d.Seq))
}

func appendLogKey(dst []byte, d logical.Dot) []byte { return appendDotKey(dst, inLog, d) }

func appendDuplicateKey(dst []byte, d logical.Dot) []byte { return appendDotKey(dst, inDuplicates, d) }

func appendObjectKey(dst []byte, key string) []byte {
	return append(append(dst, inObjects), key...)
}

func appendRequestKey(dst []byte, client, number uint64) []byte {
	dst = append(dst, inRequests)
	dst = binary.BigEndian.AppendUint64(dst, client)
	return binary.BigEndian.AppendUint64(dst, number)
}

func appendRowKey(dst []byte, key string, d logical.Dot) []byte {
	dst = append(dst, inLedger)
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

// splitRowKey is the user's key and the dot in a ledger key: the reverse of
// appendRowKey.
func splitRowKey(k []byte) (string, logical.Dot, bool) {
	const head, tail = 1, 2 + 16
	if len(k) < head+tail {
		return "", logical.Dot{}, false
	}
	escaped, end := k[head:len(k)-tail], k[len(k)-16:]
	key := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		key = append(key, escaped[i])
		if escaped[i] == 0 {
			i++
		}
	}
	return string(key), logical.Dot{Origin: logical.Origin(binary.BigEndian.Uint64(end)), Seq: logical.Seq(binary.BigEndian.Uint64(end[8:]))}, true
}

func appendPositionKey(dst []byte, position uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, inPositions), position)
}

// positionKeyBytes is the length of such a key: letter and position.
const positionKeyBytes = 1 + 8

func appendLedgerStatsKey(dst []byte) []byte { return append(append(dst, inMeta), "ledger"...) }

func appendStateKey(dst []byte) []byte { return append(append(dst, inMeta), "state"...) }

func appendIncarnationsKey(dst []byte) []byte { return append(append(dst, inMeta), "lives"...) }

func conflictStatsKey() []byte { return append([]byte{inMeta}, "conflicts"...) }

func judgedKey() []byte { return append([]byte{inMeta}, "policy"...) }

func formatKey() []byte { return append([]byte{inMeta}, "format"...) }
