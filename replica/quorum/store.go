package quorum

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// store is raft's log and votes, and what a member knows of its quorum. Every write is
// synced: what raft was told to be stored must outlive a crash.
//
//	l + index, 8 bytes big-endian ─▶ an entry      s + name ─▶ a vote, a term      m ─▶ memo
type store struct{ db *pebble.DB }

var (
	_ raft.LogStore    = (*store)(nil)
	_ raft.StableStore = (*store)(nil)
)

const (
	logPrefix, logEnd = 'l', 'm'
	stablePrefix      = 's'
	memoKey           = "m"
)

func openStore(fs vfs.FS, dir string) (*store, error) {
	db, err := pebble.Open(dir, &pebble.Options{
		FS: fs, MemTableSize: 1 << 20, CacheSize: 1 << 20, FormatMajorVersion: pebble.FormatNewest, Logger: silent{},
	})
	if err != nil {
		return nil, fmt.Errorf("open the quorum's log in %s: %w", dir, err)
	}
	return &store{db}, nil
}

// silent keeps pebble from writing to standard error. What goes wrong comes back as errors.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("the quorum's log cannot be written: "+format, args...))
}

func (s *store) close() error { return s.db.Close() }

func logKey(index uint64) []byte { return binary.BigEndian.AppendUint64([]byte{logPrefix}, index) }

func (s *store) edge(last bool) (index uint64, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{logPrefix}, UpperBound: []byte{logEnd}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if last && it.Last() || !last && it.First() {
		index = binary.BigEndian.Uint64(it.Key()[1:])
	}
	return index, it.Error()
}

// FirstIndex is the first entry's; zero: there is none.
func (s *store) FirstIndex() (uint64, error) { return s.edge(false) }

// LastIndex is the last entry's; zero: there is none.
func (s *store) LastIndex() (uint64, error) { return s.edge(true) }

// GetLog reads an entry.
func (s *store) GetLog(index uint64, into *raft.Log) error {
	v, closer, err := s.db.Get(logKey(index))
	if errors.Is(err, pebble.ErrNotFound) {
		return raft.ErrLogNotFound
	}
	if err != nil {
		return err
	}
	return errors.Join(json.Unmarshal(v, into), closer.Close())
}

// StoreLog stores one entry.
func (s *store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries: all of them or none.
func (s *store) StoreLogs(logs []*raft.Log) error {
	b := s.db.NewBatch()
	for _, l := range logs {
		v, err := json.Marshal(l)
		if err = errors.Join(err, b.Set(logKey(l.Index), v, nil)); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	return b.Commit(pebble.Sync)
}

// DeleteRange removes entries from first to last, both included.
func (s *store) DeleteRange(first, last uint64) error {
	return s.db.DeleteRange(logKey(first), logKey(last+1), pebble.Sync)
}

func stableKey(key []byte) []byte { return append([]byte{stablePrefix}, key...) }

// Set stores a value.
func (s *store) Set(key, v []byte) error { return s.db.Set(stableKey(key), v, pebble.Sync) }

// Get reads a value; none: it is empty.
func (s *store) Get(key []byte) ([]byte, error) { return s.read(stableKey(key)) }

func (s *store) read(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), v...), closer.Close()
}

// SetUint64 stores a number.
func (s *store) SetUint64(key []byte, n uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, n))
}

// GetUint64 reads a number; none: it is zero.
func (s *store) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	if err != nil || len(v) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// memo reads what the member knows of its quorum; false: it was never told.
func (s *store) memo() (m memo, found bool, err error) {
	v, err := s.read([]byte(memoKey))
	if err != nil || v == nil {
		return m, false, err
	}
	return m, true, json.Unmarshal(v, &m)
}

func (s *store) setMemo(m *memo) error {
	v, err := json.Marshal(m)
	if err == nil {
		err = s.db.Set([]byte(memoKey), v, pebble.Sync)
	}
	return err
}

// forget removes raft's log and votes.
func (s *store) forget() error {
	return errors.Join(s.db.DeleteRange([]byte{logPrefix}, []byte{logEnd}, pebble.Sync), s.db.DeleteRange([]byte{stablePrefix}, []byte{stablePrefix + 1}, pebble.Sync))
}
