package storage

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/disk"
)

// Store is one leader's disk. Reads and batches of several goroutines may run at
// once; Close may not run beside anything, and nothing may follow it.
type Store struct {
	reads
	db        *pebble.DB
	disk      *disk.FS
	sums      sums
	conflicts conflicts
	write     *pebble.WriteOptions
	dirty     atomic.Bool                      // something was committed since the last background sync
	lazy      bool                             // SyncInterval: what is committed is synced later
	written   atomic.Pointer[logical.Frontier] // lazy: of the newest state committed; nil: none yet
	synced    atomic.Pointer[logical.Frontier] // lazy: of the newest state synced; nil: what Open found
	stop      chan struct{}
	syncing   sync.WaitGroup // the background sync, under SyncInterval only
	closed    bool
}

// Open opens the store in o.Dir, and makes a fresh one if there is none. One of an
// older format is upgraded, and one of a newer format is refused.
func Open(o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Store{disk: disk.New(o.FS, int64(o.MemTable)), write: pebble.NoSync, stop: make(chan struct{})}
	if err := s.open(o); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", o.Dir, disk.Advised(err))
	}
	switch o.Sync {
	case SyncAlways:
		s.write = pebble.Sync
	case SyncInterval:
		s.lazy = true
		s.syncing.Go(func() { s.syncEvery(o.Interval) })
	}
	return s, nil
}

// open opens the database and brings it to the present format. What fails beneath
// it is its error, though pebble may have believed that all was well.
func (s *Store) open(o Options) (err error) {
	db, err := openPebble(o.Dir, o.pebble(s.disk))
	if err != nil {
		if err = cmp.Or(s.disk.First(), err); disk.CauseOf(err) == disk.Unknown { // what is left is what pebble finds in its own files
			err = fmt.Errorf("%w: %w", disk.ErrDamaged, err)
		}
		return err
	}
	s.db, s.from = db, db
	s.disk.Recovered(func() bool { return db.Metrics().MemTable.Count <= 1 })
	if err = s.disk.First(); err == nil {
		err = s.upgrade(o.ReadOnly)
	}
	if err = cmp.Or(s.disk.First(), err); err != nil {
		s.disk.Close()
		_ = db.Close() // it says again what was wrong before
		return err
	}
	s.disk.Opened()
	return nil
}

// openPebble takes a panic for what it is: pebble found something in its files
// that it would never have written.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", disk.ErrDamaged, r)
		}
	}()
	return pebble.Open(dir, o)
}

// Fault is why nothing is committed any more; nil: nothing has failed.
func (s *Store) Fault() error { return s.disk.Err() }

// Damage is the first thing that was found not to be as it was written; nil:
// nothing was. What is not damaged is read and written as before.
func (s *Store) Damage() error { return s.disk.Damage() }

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
	s.disk.Close()
	err := s.db.Close()
	if err != nil {
		err = fmt.Errorf("close store: %w", err)
	}
	return errors.Join(s.disk.Err(), err)
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
	f := s.written.Load()
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		s.disk.Fail(fmt.Errorf("sync the log: %w", err))
		return
	}
	if f != nil {
		s.synced.Store(f)
	}
}

// committed notes that a batch was committed and not synced. It must be visible
// before: a sync covers what was written when it begins.
func (s *Store) committed(b *Batch) {
	if s.lazy && b.stated {
		f := b.state.Frontier
		s.written.Store(&f)
	}
	s.dirty.Store(true)
}

// Lazy reports whether what a Commit stores is synced only later: under
// SyncInterval. Under SyncNever nobody knows when, and what is committed counts as
// kept: it is in the hands of the operating system, and outlives the process.
func (s *Store) Lazy() bool { return s.lazy }

// Synced is the frontier of the newest state that is known to be on the disk
// itself; nil: of the one that Open found. Only a lazy store keeps it. Nobody may
// change what it points to. Any goroutine may ask.
func (s *Store) Synced() *logical.Frontier { return s.synced.Load() }

// NoteDamage keeps what a reader found to be damaged, if it is the first.
func (s *Store) NoteDamage(err error) { s.disk.NoteDamage(err) }
