package storage

import (
	"github.com/cockroachdb/pebble/v2"

	"kvd/storage/internal/collect"
	"kvd/storage/log"
)

// Log is the leader's log, to be read and measured; nil: an older store that is only read.
func (s *Store) Log() *log.Log { return s.log }

// Collect removes from the log what need not be kept, and from the database what is of use
// only with that. What the objects of the database do not reflect durably stays, whatever
// keep.From says. It returns how many bytes of log are gone. One goroutine at a time may
// call it, beside whoever commits. While somebody holds the log nothing is removed.
//
//	rows that name the ops are dropped ─▶ the database is flushed ─▶ segments are removed
func (s *Store) Collect(keep log.Kept) (bytes int64, err error) {
	if keep.From, _, err = s.position(); err != nil || s.readOnly {
		return 0, err
	}
	until := s.log.Outside(keep)
	if until == s.log.Begin() || s.log.Held() {
		return 0, nil
	}
	err = collect.Rows(s.db, s.log, until, func(b *pebble.Batch) error {
		s.disk.Admit(b.Len())
		return b.Commit(pebble.NoSync)
	})
	if err == nil {
		s.flush()
		err = s.disk.First()
	}
	if err == nil {
		bytes, err = s.log.Remove(until)
	}
	return bytes, wrap(err, "remove from the log what is known everywhere")
}
