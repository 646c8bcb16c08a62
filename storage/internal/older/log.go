// Package older reads what stores of format 3 and before have in another place: their log,
// of which each op is a row of the database.
package older

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/internal/rows"
)

// Log is the log of such a store.
type Log struct{ From pebble.Reader }

// First is the first op that is kept of an origin: such a log keeps all.
func (Log) First(logical.Origin) logical.Seq { return 1 }

// Op hands the op's encoding to use.
func (l Log) Op(d logical.Dot, use func(encoded []byte) error) (bool, error) {
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
func (l Log) Ops(origin logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
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
