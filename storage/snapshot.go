package storage

import "fmt"

// Snapshot is the store as it was at one moment, whatever is committed afterwards. It
// answers as the store does, to several goroutines at once. An open snapshot keeps
// what it shows from being cleared away, so it should not live long.
type Snapshot struct{ reads }

// Snapshot is the store as it is now: all that was committed, synced or not. Close it
// before the store.
func (s *Store) Snapshot() *Snapshot { return &Snapshot{reads{s.db.NewSnapshot()}} }

// Close releases the snapshot. Nobody may be reading it.
func (s *Snapshot) Close() error {
	if err := s.from.Close(); err != nil {
		return fmt.Errorf("close snapshot: %w", err)
	}
	return nil
}
