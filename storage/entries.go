package storage

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/internal/rows"
)

// LogEntries yields what is stored of origin's log from seq from on, ascending,
// until yield answers false: each op as [codec.AppendOp] wrote it, without decoding it.
// The bytes are lent until yield returns; copy what is kept. An error of yield
// ends the reading and is returned.
func (s reads) LogEntries(origin logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	last := ^logical.Seq(0)
	if s.upTo != nil {
		last = s.upTo.At(origin)
	}
	if s.err != nil || from > last {
		return s.err
	}
	err := s.log.Ops(origin, from, func(seq logical.Seq, encoded []byte) (bool, error) {
		if seq > last {
			return false, nil
		}
		return yield(seq, encoded)
	})
	return wrap(err, "read log of "+origin.String())
}

// rowLog is the log of a store of format 3 or before: a row of the database an op.
type rowLog struct{ from pebble.Reader }

// Op hands the op's encoding to use.
func (r rowLog) Op(d logical.Dot, use func(encoded []byte) error) (bool, error) {
	return reads{from: r.from}.get(rows.AppendDotKey(nil, rows.Log, d), use)
}

// Ops yields the encodings of an origin's ops from seq from on, ascending.
func (r rowLog) Ops(origin logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	lower := rows.AppendLogKey(nil, logical.Dot{Origin: origin, Seq: from})
	upper := append(rows.AppendLogKey(nil, logical.Dot{Origin: origin, Seq: ^logical.Seq(0)}), 0)
	return reads{from: r.from}.scan(lower, upper, func(k, v []byte) (bool, error) {
		if len(k) != rows.LogKeyBytes {
			return false, fmt.Errorf("log key %x has %d bytes, not %d", k, len(k), rows.LogKeyBytes)
		}
		return yield(rows.DotOf(k).Seq, v)
	})
}

// Forget makes the store answer, until it is closed, as if its log had lost these ops. It
// is for tests of whoever reads a log that was truncated.
func (s *Store) Forget(dots ...logical.Dot) { s.reads.log = forgetful{s.reads.log, dots} }

// forgetful is a log without some of its ops.
type forgetful struct {
	ops
	lost []logical.Dot
}

// Op finds an op unless it is lost.
func (f forgetful) Op(d logical.Dot, use func(encoded []byte) error) (bool, error) {
	if slices.Contains(f.lost, d) {
		return false, nil
	}
	return f.ops.Op(d, use)
}

// Ops yields what is not lost.
func (f forgetful) Ops(o logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	return f.ops.Ops(o, from, func(seq logical.Seq, encoded []byte) (bool, error) {
		if slices.Contains(f.lost, logical.Dot{Origin: o, Seq: seq}) {
			return true, nil
		}
		return yield(seq, encoded)
	})
}
