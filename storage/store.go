package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"kvd/logical"
	"kvd/storage/checkpoint"
	"kvd/storage/disk"
	"kvd/storage/internal/logs"
	"kvd/storage/internal/rows"
	"kvd/storage/log"
)

// Store is one leader's disk. Reads and batches of several goroutines may run at
// once; Close may not run beside anything, and nothing may follow it.
type Store struct {
	reads
	db        *pebble.DB
	log       *log.Log                // nil: an older store that is only read
	beneath   atomic.Pointer[log.Log] // log, for who flushes the database
	unlogged  atomic.Bool             // something was put into the database alone, and is not flushed
	behind    *behind                 // nil: objects go into the database at once
	disk      *disk.FS
	dir       string
	sums      sums
	conflicts conflicts
	always    bool                             // SyncAlways: a commit is synced before it returns
	lazy      bool                             // SyncInterval: what is committed is synced later
	written   atomic.Pointer[logical.Frontier] // lazy: of the newest state committed; nil: none yet
	synced    atomic.Pointer[logical.Frontier] // lazy: of the newest state synced; nil: what Open found
	stop      chan struct{}
	syncing   sync.WaitGroup // what runs in the background
	readOnly  bool
	closed    bool
}

// Open opens the store in o.Dir, and makes a fresh one if there is none. One of an
// older format is upgraded, and one of a newer format is refused.
func Open(o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	s := &Store{dir: o.Dir, disk: disk.New(o.FS, 3*int64(o.MemTable)), always: o.Sync == SyncAlways, readOnly: o.ReadOnly, stop: make(chan struct{})}
	if err := s.open(o); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", o.Dir, disk.Advised(err))
	}
	if o.WriteBehind > 0 && !o.ReadOnly {
		s.behind = newBehind(s, o.WriteBehind)
		s.late = s.behind
		s.syncing.Go(s.behind.run)
	}
	if o.Sync == SyncInterval && !o.ReadOnly { // an older one that is only read has no log
		s.lazy = true
		s.syncing.Go(func() { s.syncEvery(o.Interval) })
	}
	return s, nil
}

// open opens the database and the log, brings both to the present format, and puts into
// the database what the log has beyond it. What fails beneath it is its error, though
// pebble may have believed that all was well.
func (s *Store) open(o Options) (err error) {
	db, err := openPebble(o.Dir, o.pebble(s.disk, s.beforeFlush))
	if err != nil {
		if err = cmp.Or(s.disk.First(), err); disk.CauseOf(err) == disk.Unknown { // what is left is what pebble finds in its own files
			err = fmt.Errorf("%w: %w", disk.ErrDamaged, err)
		}
		return err
	}
	s.db, s.from = db, db
	if err = s.disk.First(); err == nil {
		err = s.openLog(o)
	}
	if err = cmp.Or(s.disk.First(), err); err != nil {
		s.disk.Close()
		if s.log != nil {
			_ = s.log.Close()
		}
		_ = db.Close() // it says again what was wrong before
		return err
	}
	s.disk.Opened()
	if !o.ReadOnly {
		_ = checkpoint.Clear(o.FS, o.Dir) // one that stays takes room until the next is made
	}
	return nil
}

// openLog opens the log beside a database that is open.
func (s *Store) openLog(o Options) error {
	format, err := s.format()
	if err != nil {
		return err
	}
	dir := path.Join(o.Dir, disk.LogDir)
	switch {
	case format > storeFormat:
		return fmt.Errorf("a newer version of this program wrote it, in format %d, and this one knows formats up to %d; "+
			"start that version again, or give this one an empty directory and let it fetch everything from the other leaders", format, storeFormat)
	case format < logFormat:
		outdated, err := s.keepsRows(dir)
		if outdated && o.ReadOnly {
			s.reads.log = logs.Older{From: s.reads.from}
		} else if outdated && err == nil {
			err = s.dropBegun(dir)
		}
		if outdated && o.ReadOnly || err != nil {
			return err
		}
	}
	l, err := log.Open(log.Options{FS: s.disk.Unwrap(), Dir: dir, SegmentBytes: o.SegmentBytes, ReadOnly: o.ReadOnly})
	if err != nil {
		return err
	}
	s.log, s.reads.log = l, l
	s.beneath.Store(l)
	if format < storeFormat && !o.ReadOnly {
		if err := s.upgrade(format); err != nil {
			return err
		}
	}
	return s.replay()
}

// keepsRows reports whether a store without this format has its ops as rows of the
// database. One that has a log and no such rows is of this format, and was never flushed.
func (s *Store) keepsRows(dir string) (outdated bool, err error) {
	err = s.scan([]byte{rows.Log}, []byte{rows.Log + 1}, func(_, _ []byte) (bool, error) {
		outdated = true
		return false, nil
	})
	if _, absent := s.disk.FS.Stat(dir); absent != nil {
		outdated = true
	}
	return outdated, err
}

// dropBegun drops a log that was begun for an older store, and not ended: its ops are
// still rows of the database.
func (s *Store) dropBegun(dir string) error {
	if err := s.disk.FS.RemoveAll(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
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

// Disk is the filesystem beneath the store, with what failed there and how long it takes.
func (s *Store) Disk() *disk.FS { return s.disk }

// Damage is the first thing that was found not to be as it was written; nil:
// nothing was. What is not damaged is read and written as before.
func (s *Store) Damage() error { return s.disk.Damage() }

// Close syncs what was committed, brings the database up to the end of the log, and
// gives the directory back. It fails with the first fault, if there was one. A second
// Close does nothing.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.stop)
	s.syncing.Wait()
	var err error
	if s.log != nil {
		s.log.Abandon() // what was put and not committed is gone
	}
	if s.log != nil && s.disk.First() == nil && !s.readOnly {
		if s.behind != nil {
			s.behind.flush()
		}
		if _, err = s.log.Sync(); err == nil {
			s.flush()
		}
	}
	s.disk.Close()
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	err = errors.Join(err, s.db.Close())
	if err != nil {
		err = fmt.Errorf("close store: %w", err)
	}
	return errors.Join(s.disk.Err(), err)
}

// flush makes durable what is in the database, or fails the store.
func (s *Store) flush() {
	done, err := s.db.AsyncFlush()
	if err != nil {
		s.disk.Fail(fmt.Errorf("flush the database: %w", err))
		return
	}
	select {
	case <-done:
	case <-s.disk.Failed():
	}
}

// beforeFlush makes the log durable as far as the database is about to be: it must not
// hold what a log that lost its end has not.
func (s *Store) beforeFlush() {
	if l := s.beneath.Load(); l != nil {
		_ = s.syncOf(l) // it is the store's fault, and no commit follows
	}
}

// syncOf makes durable what the log has, or fails the store.
func (s *Store) syncOf(l *log.Log) error {
	if l.Synced() == l.End() {
		return nil
	}
	_, err := l.Sync()
	if err != nil {
		s.disk.Fail(fmt.Errorf("sync the log: %w", err))
	}
	return err
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

// sync makes durable what was committed.
func (s *Store) sync() {
	f := s.written.Load()
	if s.syncOf(s.log) != nil {
		return
	}
	if f != nil {
		s.synced.Store(f)
	}
	if s.unlogged.Swap(false) {
		s.flush()
	}
}

// SyncLog makes durable what was committed before the call. Any goroutine may call it.
func (s *Store) SyncLog() error {
	if err := s.disk.Err(); err != nil {
		return err
	}
	_ = s.syncOf(s.log) // it is the store's fault
	return s.disk.Err()
}

// Checkpoint is the files of the store as it is now: what was committed before the call is
// in them. The caller removes it before the next is taken, and before Close. Any goroutine
// may call it.
func (s *Store) Checkpoint() (*checkpoint.Checkpoint, error) { return s.checkpoint(false) }

// StateCheckpoint is a Checkpoint with little more of the log than what the database does not
// reflect yet: its log begins late.
func (s *Store) StateCheckpoint() (*checkpoint.Checkpoint, error) { return s.checkpoint(true) }

func (s *Store) checkpoint(brief bool) (*checkpoint.Checkpoint, error) {
	if s.readOnly || s.disk.First() != nil {
		return nil, cmp.Or(s.disk.Err(), errors.New("no checkpoint is made of a store that is only read"))
	}
	if s.behind != nil {
		s.behind.flush()
	}
	from, _, err := s.position()
	if err != nil {
		return nil, err
	}
	if s.flush(); s.disk.Err() != nil {
		return nil, s.disk.Err()
	}
	if !brief {
		from = 0
	}
	return checkpoint.Take(s.disk.FS, s.dir, s.db, s.log, from)
}

// Always reports whether a commit must be synced before anything of it is shown.
func (s *Store) Always() bool { return s.always }

// committed notes that a batch was committed and not synced. It must be in the log
// before: a sync covers what was written when it begins.
func (s *Store) committed(b *Batch) {
	if s.lazy && b.stated {
		f := b.state.Frontier
		s.written.Store(&f)
	}
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
