package storage

import (
	"encoding/binary"
	"fmt"

	"kvd/logical"
)

// LogEntries yields what is stored of origin's log from seq from on, ascending,
// until yield answers false: each op as [codec.AppendOp] wrote it, without decoding it.
// The bytes are lent until yield returns; copy what is kept. An error of yield
// ends the reading and is returned.
func (s reads) LogEntries(origin logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	lower := appendLogKey(nil, logical.Dot{Origin: origin, Seq: from})
	upper := append(appendLogKey(nil, logical.Dot{Origin: origin, Seq: ^logical.Seq(0)}), 0)
	err := s.scan(lower, upper, func(k, v []byte) (bool, error) {
		if len(k) != logKeyBytes {
			return false, fmt.Errorf("log key %x has %d bytes, not %d", k, len(k), logKeyBytes)
		}
		return yield(logical.Seq(binary.BigEndian.Uint64(k[logKeyBytes-8:])), v)
	})
	return wrap(err, "read log of "+origin.String())
}

// logKeyBytes is the length of a key of the log: letter, origin, seq.
const logKeyBytes = 1 + 8 + 8
