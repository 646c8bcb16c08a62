package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/internal/rows"
	"kvd/storage/losses"
)

// PutRow puts a row of the ledger, in place of the one of the same write, and
// gives the bytes that it takes as it is stored, its entry in the index by position
// included. A row that has a position it had not before needs [Batch.PutPosition] too.
func (b *Batch) PutRow(r *losses.Row) int64 {
	if b.refuse(losses.CheckRow(r)) {
		return 0
	}
	b.key = rows.AppendRowKey(b.key[:0], r.Key, r.Loser)
	b.value = losses.AppendRow(b.value[:0], r)
	b.set()
	return rowBytes(b.key, b.value)
}

// PutPosition puts a row's entry in the index by position. Whoever has many puts them after
// each other: then they cost next to nothing.
func (b *Batch) PutPosition(id losses.ID, position uint64) {
	b.key = rows.AppendPositionKey(b.key[:0], position)
	b.value = rows.AppendRowKey(b.value[:0], id.Key, id.Loser)
	b.set()
}

// rowBytes is what a row takes with its index entry, which repeats its key.
func rowBytes(key, value []byte) int64 { return int64(2*len(key) + len(value) + rows.PositionKeyBytes) }

// DropRow takes the row at that position out of the ledger.
func (b *Batch) DropRow(id losses.ID, position uint64) {
	b.key = rows.AppendRowKey(b.key[:0], id.Key, id.Loser)
	b.drop()
	b.key = rows.AppendPositionKey(b.key[:0], position)
	b.drop()
}

// PutLedgerStats replaces what the ledger counts.
func (b *Batch) PutLedgerStats(h *losses.Stats) {
	b.key = rows.AppendLedgerStatsKey(b.key[:0])
	b.value = losses.AppendStats(b.value[:0], h)
	b.set()
}

// LedgerStats is what the ledger counts; zero if nothing was ever lost.
func (s reads) LedgerStats() (losses.Stats, error) {
	var h losses.Stats
	var scratch [16]byte
	_, err := s.get(rows.AppendLedgerStatsKey(scratch[:0]), func(b []byte) (err error) {
		h, err = losses.DecodeStats(b)
		return err
	})
	return h, wrap(err, "read the ledger stats")
}

// Rows yields the ledger by key and dot, from behind the row named until yield
// answers false. The zero losses.ID is before all, and one without a dot before all
// rows of its key. Each row is the caller's.
func (s reads) Rows(after losses.ID, yield func(*losses.Row) bool) error {
	lower := rows.AppendRowKey(nil, after.Key, after.Loser)
	if after == (losses.ID{}) {
		lower = []byte{rows.Ledger}
	}
	err := s.scan(append(lower, 0), []byte{rows.Ledger + 1}, func(k, v []byte) (bool, error) {
		r, err := decodeRow(k, v)
		return err == nil && yield(r), err
	})
	return wrap(err, "read ledger")
}

// RowIDs yields what every row is found by, by position, until yield answers false.
func (s reads) RowIDs(yield func(losses.ID) bool) error {
	err := s.scan([]byte{rows.Positions}, []byte{rows.Positions + 1}, func(k, rowKey []byte) (bool, error) {
		key, loser, ok := rows.SplitRowKey(rowKey)
		if !ok {
			return false, fmt.Errorf("index entry %x names %x", k, rowKey)
		}
		return yield(losses.ID{Key: key, Loser: loser}), nil
	})
	return wrap(err, "read ledger by position")
}

// KeyOf is the key of the row of d, false if there is none. It reads the index, as
// much of it as there are rows: nothing leads from a dot to its key.
func (s reads) KeyOf(d logical.Dot) (key string, found bool, err error) {
	var dot [16]byte
	binary.BigEndian.PutUint64(dot[:], uint64(d.Origin))
	binary.BigEndian.PutUint64(dot[8:], uint64(d.Seq))
	err = s.scan([]byte{rows.Positions}, []byte{rows.Positions + 1}, func(k, rowKey []byte) (bool, error) {
		if !bytes.HasSuffix(rowKey, dot[:]) {
			return true, nil
		}
		if key, _, found = rows.SplitRowKey(rowKey); !found {
			return false, fmt.Errorf("index entry %x names %x", k, rowKey)
		}
		return false, nil
	})
	return key, found, wrap(err, "read ledger by position")
}

// RowOf is the row of one lost write; false: it is in no resolver's ledger. It is
// the caller's.
func (s reads) RowOf(key string, loser logical.Dot) (*losses.Row, bool, error) {
	r, _, err := s.SizedRow(key, loser)
	return r, r != nil, err
}

// SizedRow is RowOf with the bytes that the row takes; nil: there is none.
func (s reads) SizedRow(key string, loser logical.Dot) (*losses.Row, int64, error) {
	var scratch [96]byte
	var r *losses.Row
	var size int64
	k := rows.AppendRowKey(scratch[:0], key, loser)
	_, err := s.get(k, func(v []byte) (err error) {
		if r, err = losses.DecodeRow(v); err == nil {
			r.Key, r.Loser, size = key, loser, rowBytes(k, v)
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read ledger: row of %s: %w", loser, err)
	}
	return r, size, nil
}

// Oldest yields the ledger's rows by position, from the position named on, with the
// bytes each takes, until yield answers false. Each row is the caller's.
func (s reads) Oldest(from uint64, yield func(r *losses.Row, bytes int64) bool) error {
	err := s.scan(rows.AppendPositionKey(nil, from), []byte{rows.Positions + 1}, func(k, rowKey []byte) (bool, error) {
		key, loser, ok := rows.SplitRowKey(rowKey)
		if !ok || len(k) != rows.PositionKeyBytes {
			return false, fmt.Errorf("index entry %x names %x", k, rowKey)
		}
		r, size, err := s.SizedRow(key, loser)
		switch {
		case err != nil:
			return false, err
		case r == nil || r.Position != binary.BigEndian.Uint64(k[1:]):
			return false, fmt.Errorf("index entry %x names %x, which has another position or is gone", k, rowKey)
		}
		return yield(r, size), nil
	})
	return wrap(err, "read ledger by position")
}

// Losses yields the ledger by key, dot and resolver, until yield answers false.
func (s reads) Losses(yield func(resolve.Loss) bool) error {
	return s.Rows(losses.ID{}, eachLoss(yield))
}

// LossesOf yields the ledger's losses of one key, by dot and resolver, until yield
// answers false.
func (s reads) LossesOf(key string, yield func(resolve.Loss) bool) error {
	each := eachLoss(yield)
	return s.Rows(losses.ID{Key: key}, func(r *losses.Row) bool { return r.Key == key && each(r) })
}

// eachLoss makes of a reader of losses one of rows.
func eachLoss(yield func(resolve.Loss) bool) func(*losses.Row) bool {
	return func(r *losses.Row) bool {
		for l := range r.Losses {
			if !yield(l) {
				return false
			}
		}
		return true
	}
}

// CheckLedger holds rows, index and stats against each other and says what does
// not agree. It reads the whole ledger.
func (s reads) CheckLedger() error {
	h, err := s.LedgerStats()
	if err != nil {
		return err
	}
	var found losses.Stats
	var held losses.Counts
	count := func(k, v []byte) (bool, error) {
		r, err := decodeRow(k, v)
		if err != nil {
			return false, err
		}
		held.AddRow(r)
		found.Rows++
		found.Bytes += rowBytes(k, v)
		return true, s.indexed(r.Position, k)
	}
	if err := s.scan([]byte{rows.Ledger}, []byte{rows.Ledger + 1}, count); err != nil {
		return fmt.Errorf("check ledger: %w", err)
	}
	entries, last := int64(0), uint64(0)
	err = s.Oldest(0, func(r *losses.Row, _ int64) bool { entries, last = entries+1, r.Position; return true })
	switch {
	case err != nil:
		return fmt.Errorf("check ledger: %w", err)
	case entries != found.Rows || last > h.Entered:
		return fmt.Errorf("check ledger: %d rows, %d index entries, the newest at position %d of %d", found.Rows, entries, last, h.Entered)
	case h.Rows != found.Rows || h.Bytes != found.Bytes:
		return fmt.Errorf("check ledger: %d rows of %d bytes are there, %d of %d are counted", found.Rows, found.Bytes, h.Rows, h.Bytes)
	case h.Held() != held:
		return fmt.Errorf("check ledger: verdicts %v are there; inserted %v, retracted %v, evicted %v", held, h.Inserted, h.Retracted, h.Evicted.Verdicts)
	}
	return nil
}

// indexed fails unless the position leads to the row with that storage key.
func (s reads) indexed(position uint64, rowKey []byte) error {
	found, err := s.get(rows.AppendPositionKey(nil, position), func(v []byte) error {
		if !bytes.Equal(v, rowKey) {
			return fmt.Errorf("position %d leads to %x, not to %x", position, v, rowKey)
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("position %d of %x is not in the index", position, rowKey)
	}
	return err
}

// decodeRow reads a stored row, whose key and dot stand in the storage key.
func decodeRow(k, v []byte) (*losses.Row, error) {
	key, loser, ok := rows.SplitRowKey(k)
	if !ok {
		return nil, fmt.Errorf("ledger key %x is not well formed", k)
	}
	r, err := losses.DecodeRow(v)
	if err != nil {
		return nil, fmt.Errorf("row of %s: %w", loser, err)
	}
	r.Key, r.Loser = key, loser
	return r, nil
}
