package storage

import "fmt"

// Cut is the store as it was at one moment, whatever is committed afterwards. It
// answers as the store does, to several goroutines at once. An open cut keeps
// what it shows from being cleared away, so it should not live long.
type Cut struct{ reads }

// Cut is the store as it is now: all that was committed, synced or not. Close it
// before the store.
func (s *Store) Cut() *Cut { return &Cut{reads{s.db.NewSnapshot()}} }

// Close gives the cut back. Nobody may be reading it.
func (c *Cut) Close() error {
	if err := c.from.Close(); err != nil {
		return fmt.Errorf("close cut: %w", err)
	}
	return nil
}
