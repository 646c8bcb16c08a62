package storage

import (
	"bytes"
	"fmt"

	"kvd/storage/internal/rows"
)

// What tests of the encodings call.
var (
	AppendState, DecodeState               = rows.AppendState, rows.DecodeState
	AppendJudged, DecodeJudged             = rows.AppendJudged, rows.DecodeJudged
	AppendIncarnations, DecodeIncarnations = rows.AppendIncarnations, rows.DecodeIncarnations
	AppendDuplicates, DecodeDuplicates     = rows.AppendDuplicates, rows.DecodeDuplicates
)

// SyncNow does what an interval's end does.
var SyncNow = (*Store).sync

// Misses is how many blocks were looked for in the cache and not found there.
func (s *Store) Misses() int64 { return s.db.Metrics().BlockCache.Misses }

// MaxConflictBytes is for tests that fill what is kept of conflicts.
const MaxConflictBytes = maxConflictBytes

// Dump is every row of the database as the store shows it, in the order of keys: the log
// is told by how far it is reflected.
func (s *Store) Dump() (all []string, position string, err error) {
	from := s.from
	if !s.readOnly {
		snap := s.Snapshot()
		defer snap.Close()
		from = snap.from
	}
	err = reads{from: from}.scan([]byte{0}, []byte{0xff}, func(k, v []byte) (bool, error) {
		row := fmt.Sprintf("%q %x", k, v)
		if bytes.Equal(k, rows.PositionKey()) {
			position = row
		}
		all = append(all, row)
		return true, nil
	})
	return all, position, err
}
