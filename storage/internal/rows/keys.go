package rows

import (
	"encoding/binary"

	"kvd/logical"
)

// The letters that storage keys begin with; doc.go has the table.
const (
	Log        = 'L'
	Objects    = 'K'
	Ledger     = 'P'
	Positions  = 'R'
	Requests   = 'Q'
	Duplicates = 'T'
	Meta       = 'M'
	Aside      = 'O'
	Salvaged   = 'S'
	Sums       = 'A'
	Conflicts  = 'C'
	Settled    = 'D'
)

// AppendDotKey appends a key of a letter and a dot.
func AppendDotKey(dst []byte, letter byte, d logical.Dot) []byte {
	dst = append(dst, letter)
	dst = binary.BigEndian.AppendUint64(dst, uint64(d.Origin))
	return binary.BigEndian.AppendUint64(dst, uint64(d.Seq))
}

// AppendLogKey appends the key of an op, in stores of format 3 and before.
func AppendLogKey(dst []byte, d logical.Dot) []byte { return AppendDotKey(dst, Log, d) }

// AppendDuplicateKey appends the key of the duplicates of a dot.
func AppendDuplicateKey(dst []byte, d logical.Dot) []byte { return AppendDotKey(dst, Duplicates, d) }

// AppendObjectKey appends the key of an object.
func AppendObjectKey(dst []byte, key string) []byte {
	return append(append(dst, Objects), key...)
}

// AppendRequestKey appends the key of the dot that a request was given.
func AppendRequestKey(dst []byte, client, number uint64) []byte {
	dst = append(dst, Requests)
	dst = binary.BigEndian.AppendUint64(dst, client)
	return binary.BigEndian.AppendUint64(dst, number)
}

// AppendRowKey appends the key of a row of the ledger.
func AppendRowKey(dst []byte, key string, d logical.Dot) []byte {
	dst = append(dst, Ledger)
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

// SplitRowKey is the user's key and the dot in a ledger key: the reverse of
// AppendRowKey.
func SplitRowKey(k []byte) (string, logical.Dot, bool) {
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

// AppendPositionKey appends the key of a row's place in the ledger.
func AppendPositionKey(dst []byte, position uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, Positions), position)
}

// PositionKeyBytes is the length of such a key: letter and position.
const PositionKeyBytes = 1 + 8

// AppendLedgerStatsKey appends the key of the ledger's stats.
func AppendLedgerStatsKey(dst []byte) []byte { return append(append(dst, Meta), "ledger"...) }

// AppendStateKey appends the key of the leader's state.
func AppendStateKey(dst []byte) []byte { return append(append(dst, Meta), "state"...) }

// AppendIncarnationsKey appends the key of the leader's origins.
func AppendIncarnationsKey(dst []byte) []byte { return append(append(dst, Meta), "lives"...) }

// ConflictStatsKey is the key of how many dots have two contents.
func ConflictStatsKey() []byte { return append([]byte{Meta}, "conflicts"...) }

// JudgedKey is the key of the policy that objects are folded under.
func JudgedKey() []byte { return append([]byte{Meta}, "policy"...) }

// FormatKey is the key of the number of all layouts together.
func FormatKey() []byte { return append([]byte{Meta}, "format"...) }

// LogKeyBytes is the length of a key of the log: letter, origin, seq.
const LogKeyBytes = 1 + 8 + 8

// DotOf is the dot in a key of the log.
func DotOf(k []byte) logical.Dot {
	return logical.Dot{Origin: logical.Origin(binary.BigEndian.Uint64(k[1:])), Seq: logical.Seq(binary.BigEndian.Uint64(k[9:]))}
}

// PositionKey is where the database says how much of the log it holds.
func PositionKey() []byte { return append([]byte{Meta}, "position"...) }
