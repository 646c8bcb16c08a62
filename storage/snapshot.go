package storage

import "fmt"

// Snapshot is the store as it was at one moment, whatever is committed afterwards. It
// answers as the store does, to several goroutines at once. An open snapshot keeps
// what it shows from being cleared away, so it should not live long.
type Snapshot struct{ reads }

// Snapshot is the store as it is now: all that was committed, synced or not. Nothing may
// be committed meanwhile. Close it before the store.
func (s *Store) Snapshot() *Snapshot {
	if s.behind != nil {
		s.behind.flush()
	}
	snap := &Snapshot{reads{from: s.db.NewSnapshot(), log: s.reads.log}}
	if s.disk.First() != nil { // what waits stays there, and nothing comes to it any more
		snap.late = s.behind
	}
	st, found, err := snap.State()
	if snap.err = err; found {
		snap.upTo = &st.Frontier
	}
	return snap
}

// Close releases the snapshot. Nobody may be reading it.
func (s *Snapshot) Close() error {
	if err := s.from.Close(); err != nil {
		return fmt.Errorf("close snapshot: %w", err)
	}
	return nil
}
