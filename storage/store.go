package storage

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Store is one leader's disk. Reads and batches of several goroutines may run at
// once; Close may not run beside anything, and nothing may follow it.
type Store struct {
	reads
	db      *pebble.DB
	fault   *fault
	write   *pebble.WriteOptions
	dirty   atomic.Bool // something was committed since the last background sync
	stop    chan struct{}
	syncing sync.WaitGroup // the background sync, under SyncInterval only
	closed  bool
}

// Open opens the store in o.Dir, and makes a fresh one if there is none. One of an
// older format is carried over, and one of a newer format is refused.
func Open(o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Store{fault: &fault{}, write: pebble.NoSync, stop: make(chan struct{})}
	db, err := pebble.Open(o.Dir, o.pebble(s.fault))
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", o.Dir, err)
	}
	s.db, s.from = db, db
	if err := s.settle(o.ReadOnly); err != nil {
		return nil, errors.Join(fmt.Errorf("open store in %s: %w", o.Dir, err), db.Close())
	}
	switch o.Sync {
	case SyncAlways:
		s.write = pebble.Sync
	case SyncInterval:
		s.syncing.Go(func() { s.syncEvery(o.Interval) })
	}
	return s, nil
}

// Close syncs what was committed, as pebble does with every log it closes, and
// gives the directory back. It fails with the first fault, if there was one. A
// second Close does nothing.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.stop)
	s.syncing.Wait()
	err := s.db.Close()
	if err != nil {
		err = fmt.Errorf("close store: %w", err)
	}
	return errors.Join(s.fault.err(), err)
}

// syncEvery syncs in the background until the store is closed.
func (s *Store) syncEvery(interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.sync()
		}
	}
}

// sync makes durable what was committed. An empty record synced is the log
// synced up to it.
func (s *Store) sync() {
	if !s.dirty.Swap(false) {
		return
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		s.fault.set(fmt.Errorf("sync the log: %w", err))
	}
}
