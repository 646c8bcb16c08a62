// Package logs is other logs than the one that is written now: that of an older store, and
// one that has lost some of its ops.
package logs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/internal/rows"
)

// Log is the log of every origin.
type Log interface {
	First(o logical.Origin) logical.Seq // that is kept, or will be written
	Op(d logical.Dot, use func(encoded []byte) error) (found bool, err error)
	Ops(o logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error
}

// Older is the log of a store of format 3 or before, of which each op is a row of the
// database.
type Older struct{ From pebble.Reader }

// First is the first op that is kept of an origin: such a log keeps all.
func (Older) First(logical.Origin) logical.Seq { return 1 }

// Op hands the op's encoding to use.
func (l Older) Op(d logical.Dot, use func(encoded []byte) error) (bool, error) {
	v, closer, err := l.From.Get(rows.AppendDotKey(nil, rows.Log, d))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(use(v), closer.Close())
}

// Ops yields the encodings of an origin's ops from seq from on, ascending.
func (l Older) Ops(origin logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	it, err := l.From.NewIter(&pebble.IterOptions{
		LowerBound: rows.AppendLogKey(nil, logical.Dot{Origin: origin, Seq: from}),
		UpperBound: append(rows.AppendLogKey(nil, logical.Dot{Origin: origin, Seq: ^logical.Seq(0)}), 0),
	})
	if err != nil {
		return err
	}
	more := true
	for ok := it.First(); ok && more && err == nil; ok = it.Next() {
		if k := it.Key(); len(k) != rows.LogKeyBytes {
			err = fmt.Errorf("log key %x has %d bytes, not %d", k, len(k), rows.LogKeyBytes)
			break
		}
		var v []byte
		if v, err = it.ValueAndErr(); err == nil {
			more, err = yield(rows.DotOf(it.Key()).Seq, v)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

// Forgetful is a log without some of its ops.
type Forgetful struct {
	Log
	Lost []logical.Dot
}

// Op finds an op unless it is lost.
func (f Forgetful) Op(d logical.Dot, use func(encoded []byte) error) (bool, error) {
	if slices.Contains(f.Lost, d) {
		return false, nil
	}
	return f.Log.Op(d, use)
}

// Ops yields what is not lost.
func (f Forgetful) Ops(o logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	return f.Log.Ops(o, from, func(seq logical.Seq, encoded []byte) (bool, error) {
		if slices.Contains(f.Lost, logical.Dot{Origin: o, Seq: seq}) {
			return true, nil
		}
		return yield(seq, encoded)
	})
}
