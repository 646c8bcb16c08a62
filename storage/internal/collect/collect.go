// Package collect drops the rows of a database that are of use only as long as the log has
// the ops which they name: the dots of requests, duplicates, and sums of logs.
package collect

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/codec"
	"kvd/storage/internal/rows"
	"kvd/storage/log"
)

// batchBytes is how much is dropped with one batch.
const batchBytes = 256 << 10

// Rows drops what names ops of the log before a position, all of them but the newest sum
// of each origin. Commit is given each batch. What is dropped twice is dropped once, so
// whoever is stopped in between begins again.
func Rows(db *pebble.DB, l *log.Log, until log.Position, commit func(*pebble.Batch) error) error {
	c := collecting{db: db, batch: db.NewBatch(), commit: commit}
	defer func() { _ = c.batch.Close() }()
	err := l.Read(0, func(g log.Group) (bool, error) {
		for _, e := range g.Entries {
			if err := c.take(e); err != nil {
				return false, err
			}
		}
		return g.End < until, nil
	})
	if err != nil {
		return err
	}
	return c.end()
}

type collecting struct {
	db      *pebble.DB
	batch   *pebble.Batch
	commit  func(*pebble.Batch) error
	removed logical.Frontier
	key     []byte
}

// take drops the row of the entry's request, unless it names another leader's op.
func (c *collecting) take(e log.Entry) error {
	if e.Dot.IsZero() {
		return nil
	}
	c.removed.Advance(e.Dot)
	op, _, err := codec.DecodeBriefOp(e.Bytes, 0)
	if err != nil || !op.HasRequest() {
		return err
	}
	c.key = rows.AppendRequestKey(c.key[:0], op.Client, op.Request)
	v, closer, err := c.db.Get(c.key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	named, err := codec.DecodePlainDot(v)
	if err = errors.Join(err, closer.Close()); err != nil || named != e.Dot {
		return err
	}
	if err := c.batch.Delete(c.key, nil); err != nil || c.batch.Len() < batchBytes {
		return err
	}
	return c.flush()
}

func (c *collecting) flush() error {
	if err := c.commit(c.batch); err != nil {
		return err
	}
	c.batch.Reset()
	return nil
}

// end drops what stands under the dots.
func (c *collecting) end() error {
	for d := range c.removed.All() {
		for _, letter := range []byte{rows.Duplicates, rows.Sums} {
			first, beyond := logical.Dot{Origin: d.Origin, Seq: 1}, logical.Dot{Origin: d.Origin, Seq: d.Seq + 1}
			if err := c.batch.DeleteRange(rows.AppendDotKey(nil, letter, first), rows.AppendDotKey(nil, letter, beyond), nil); err != nil {
				return err
			}
		}
	}
	return c.flush()
}
