package storage

import (
	"errors"
	"fmt"

	"kvd/resolve/replay/merge"
	"kvd/storage/codec"
	"kvd/storage/internal/logs"
	"kvd/storage/internal/rows"
	"kvd/storage/losses"
)

// storeFormat is the number of all layouts of a store taken together; it stands
// alone under M "format", a plain number in every format there will be. Stores of
// format 1 have none, and a row in their ledger for each resolver and write. Those of
// format 2 have no policy, and only ops from before it was recorded who judged them.
// Those before logFormat keep ops as rows of the database.
const (
	storeFormat = logFormat
	logFormat   = 4
)

// upgradeBatch is how much of a ledger, or of a log, is upgraded with one batch.
const upgradeBatch = 256 << 10

// upgrade makes of an older store one of this format.
func (s *Store) upgrade(format uint64) error {
	b := s.NewBatch()
	defer b.Close()
	if format < 2 {
		if err := s.upgradeLedger(b); err != nil {
			return err
		}
	}
	if err := s.moveLog(b); err != nil {
		return fmt.Errorf("move the log out of the database: %w", err)
	}
	return nil
}

// moveLog writes the log anew that an older store keeps as rows of its database, in an
// order that respects causality, and drops the rows with the batch that says that it is
// there. What is begun and not ended is begun again.
func (s *Store) moveLog(b *Batch) error {
	st, _, err := s.State()
	if err != nil {
		return err
	}
	old := merge.New(reads{from: s.from, log: logs.Older{From: s.from}}, st.Frontier, "")
	for op := range old.All() {
		s.log.AppendOp(op.Dot, func(dst []byte) []byte { return codec.AppendOp(dst, op) })
		if s.log.GroupBytes() < upgradeBatch {
			continue
		}
		if _, err := s.log.Write(); err != nil {
			return err
		}
	}
	if err := old.Err(); err != nil {
		return err
	}
	end, err := s.log.Write()
	if err == nil {
		end, err = s.log.Sync()
	}
	if err != nil {
		return err
	}
	b.keep(b.b.DeleteRange([]byte{rows.Log}, []byte{rows.Log + 1}, nil))
	if st.Frontier.Len() > 0 {
		b.putPosition(end, st.Frontier)
	}
	b.key, b.value = append(b.key[:0], rows.FormatKey()...), codec.Encode(b.value[:0]).Uint(storeFormat).Done()
	b.set()
	return b.commit(st.Frontier.Len() > 0)
}

// format is the store's number; zero: it has none.
func (s *Store) format() (format uint64, err error) {
	_, err = s.get(rows.FormatKey(), func(v []byte) error {
		d := codec.NewDecoder("format", v)
		format = d.Uint()
		return d.End()
	})
	return format, wrap(err, "read the store's format")
}

// upgradeLedger brings the ledger of a store without a format into present rows, in
// batches of which each leaves something to go on from:
//
//	P resolver key* dot ─▶ O key* dot resolver ─▶ P key* dot, R position, M "ledger" ─▶ M "format"
//
// The way round is needed because an old key and a new one may be the same bytes.
// While there are no ledger stats, all under P is old; once there are, all of it is
// new, and the rest is under O.
func (s *Store) upgradeLedger(b *Batch) error {
	counted, err := s.get(rows.AppendLedgerStatsKey(nil), func([]byte) error { return nil })
	if err != nil {
		return wrap(err, "read the ledger stats")
	}
	if !counted {
		if err := s.setAside(b); err != nil {
			return fmt.Errorf("upgrade the ledger: %w", err)
		}
	}
	if _, err := s.insertAside(b); err != nil {
		return fmt.Errorf("upgrade the ledger: %w", err)
	}
	b.key, b.value = append(b.key[:0], rows.FormatKey()...), codec.Encode(b.value[:0]).Uint(2).Done()
	b.set()
	return b.commit(false) // whatever follows is durable no sooner
}

// setAside moves all old rows to where they are by key.
func (s *Store) setAside(b *Batch) error {
	err := s.scan([]byte{rows.Ledger}, []byte{rows.Ledger + 1}, func(k, v []byte) (bool, error) {
		if len(k) < 2 {
			return false, fmt.Errorf("ledger key %x is not well formed", k)
		}
		b.key = append(append(append(b.key[:0], rows.Aside), k[2:]...), k[1])
		b.value = append(b.value[:0], v...)
		b.set()
		b.key = append(b.key[:0], k...)
		b.drop()
		return true, b.commitLarge()
	})
	return errors.Join(err, b.commit(false))
}

// insertAside inserts a row for each write that was set aside, without evidence,
// and reports whether there was any.
func (s *Store) insertAside(b *Batch) (bool, error) {
	h, err := s.LedgerStats()
	if err != nil {
		return false, err
	}
	e := inserting{b: b, h: h}
	err = s.scan([]byte{rows.Aside}, []byte{rows.Aside + 1}, func(k, v []byte) (bool, error) { return true, e.take(k, v) })
	if err != nil || e.row.Verdicts == nil {
		return false, err
	}
	e.insert()
	b.PutLedgerStats(&e.h)
	return true, nil
}

// inserting is the row that verdicts of one write are gathered in.
type inserting struct {
	b   *Batch
	h   losses.Stats
	row losses.Row
}

// take adds a verdict that was set aside, after the row of the write before it.
func (e *inserting) take(k, v []byte) error {
	loss, err := rows.DecodeAside(k, v)
	if err != nil {
		return err
	}
	if id := (losses.ID{Key: loss.Key, Loser: loss.Loser}); id != e.row.ID() {
		if e.row.Verdicts != nil {
			e.insert()
		}
		e.row = losses.Row{Key: id.Key, Loser: id.Loser}
		if err := e.commitLarge(); err != nil {
			return err
		}
	}
	e.row.Insert(loss)
	e.b.key = append(e.b.key[:0], k...)
	e.b.drop()
	return nil
}

func (e *inserting) insert() {
	e.h.Entered++
	e.row.Position = e.h.Entered
	e.h.Insert(e.b.PutRow(&e.row))
	e.h.Inserted.AddRow(&e.row)
	e.b.PutPosition(e.row.ID(), e.row.Position)
}

// commitLarge commits a batch that has grown large, with what it counts.
func (e *inserting) commitLarge() error {
	if e.b.err == nil && e.b.b.Len() >= upgradeBatch {
		e.b.PutLedgerStats(&e.h)
	}
	return e.b.commitLarge()
}

// commitLarge commits a batch that has grown large.
func (b *Batch) commitLarge() error {
	if b.err == nil && b.b.Len() < upgradeBatch {
		return nil
	}
	return b.commit(false)
}
