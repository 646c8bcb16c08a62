package disk

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a filesystem as pebble sees it. Pebble panics when a log cannot be
// created or closed, repeats a failed flush at once and for ever, and waits for
// one while it opens; so it is never told of a failed change as it happens.
//
// The first failure is kept as the store's fault, after which no commit
// succeeds, whatever pebble believes. From then on nothing is changed on the real
// filesystem, and reading goes on:
//
//	                    log, directory      any other file
//	while it opens      thrown away         thrown away, and Open fails
//	while it is open    thrown away         waits for Close, then fails; the manifest fails
type FS struct {
	vfs.FS
	fault       fault
	opened      atomic.Bool // never, when opening failed
	closing     chan struct{}
	compactions *compactions
	meter       *meter
	writing     sync.Map // paths of files that are open for writing
}

// New is fs for one store. A commit waits while batches of more than backlog bytes wait
// for a flush.
func New(fs vfs.FS, backlog int64) *FS {
	m := newMeasured(fs)
	d := &FS{FS: m, meter: m.meter, closing: make(chan struct{})}
	d.fault.failed = make(chan struct{})
	d.fault.backlog.limit = backlog
	d.fault.backlog.wake.L = &d.fault.backlog.mu
	d.compactions = newCompactions(d)
	return d
}

// Listener takes the events of the database that is opened over d. BeforeFlush is called
// before anything that was committed is made durable.
func (d *FS) Listener(beforeFlush func()) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: d.fault.background,
		DataCorruption:  d.fault.corrupted,
		FlushBegin: func(pebble.FlushInfo) {
			d.fault.backlog.flushing()
			beforeFlush()
		},
		FlushEnd: func(i pebble.FlushInfo) {
			if i.Err == nil {
				d.fault.backlog.flushed()
			}
		},
	}
}

// Logger hands lines on to l, but takes fatal ones as faults.
func (d *FS) Logger(l pebble.Logger) pebble.Logger { return logger{l, &d.fault} }

// Opened says that the store is open: from now on a failed change of a file other than a
// log waits for Close, and the database compacts.
func (d *FS) Opened() {
	d.opened.Store(true)
	d.compactions.opened()
}

// Compactions is what the database that is opened over d asks when it wants to compact.
func (d *FS) Compactions() pebble.CompactionScheduler { return d.compactions }

// Close lets go whoever waits for it. The database is closed after it.
func (d *FS) Close() { close(d.closing) }

// Failed is closed when the first fault was found.
func (d *FS) Failed() <-chan struct{} { return d.fault.failed }

// Admit waits until another batch of so many bytes may be committed, or the store has
// failed.
func (d *FS) Admit(bytes int) {
	d.fault.hold()
	d.fault.backlog.took(bytes)
}

// Fail keeps err as the store's fault, if it is the first.
func (d *FS) Fail(err error) { d.fault.set(err) }

// Err is the fault with what to do about it, and part of it is [ErrStopped]; nil: nothing
// has failed.
func (d *FS) Err() error { return d.fault.err() }

// First is the fault as it was found; nil: nothing has failed.
func (d *FS) First() error {
	if p := d.fault.first.Load(); p != nil {
		return *p
	}
	return nil
}

// Damage is the first thing that was found not to be as it was written; nil: nothing was.
func (d *FS) Damage() error {
	if p := d.fault.damage.Load(); p != nil {
		return *p
	}
	return nil
}

// Calls is how long changes take, those through [FS.Unwrap] included. Any goroutine may ask.
func (d *FS) Calls() Calls { return d.meter.calls() }

// Writing reports whether the database has not written a file to its end yet. Any goroutine
// may ask.
func (d *FS) Writing(path string) bool {
	_, is := d.writing.Load(path)
	return is
}

// NoteDamage keeps what was found to be damaged, if it is the first.
func (d *FS) NoteDamage(err error) { d.fault.noteDamage(err) }

// closeRest keeps a flush that pebble repeats at once and for ever from taking the
// processor that Close needs to end it.
const closeRest = time.Millisecond

// readRest keeps whoever repeats a failed read at once from taking a processor.
const readRest = 20 * time.Millisecond

// Unwrap is the real filesystem, measured.
func (d *FS) Unwrap() vfs.FS { return d.FS }

// outside reports whether a file is in [CheckpointDir], or is that.
func (d *FS) outside(name string) bool {
	return d.FS.PathBase(name) == CheckpointDir || d.FS.PathBase(d.FS.PathDir(name)) == CheckpointDir
}

// unsynced is a file or a directory that need not outlast a crash: pebble panics where a
// directory cannot be synced.
type unsynced struct{ vfs.File }

func (unsynced) Sync() error                         { return nil }
func (unsynced) SyncData() error                     { return nil }
func (unsynced) SyncTo(int64) (full bool, err error) { return true, nil }

// broken reports whether nothing may be changed any more.
func (d *FS) broken() bool { return d.fault.first.Load() != nil }

// failed keeps a failed change as the store's fault, and is what pebble is told.
func (d *FS) failed(what, name string, err error) error {
	d.fault.set(fmt.Errorf("%s %s: %w", what, name, err))
	return d.told(name)
}

// told is what pebble is told of a change that was not made.
func (d *FS) told(name string) error {
	switch {
	case !d.opened.Load() || isLog(name):
		return nil
	case !d.isManifest(name):
		<-d.closing
		time.Sleep(closeRest)
	}
	return d.fault.err()
}

// isManifest is for the files that pebble changes under a lock which the end of a snapshot
// takes too: who waited for Close there would keep the leader from coming to it. A flush that
// fails there is repeated, and then waits for its table.
func (d *FS) isManifest(name string) bool {
	base := d.PathBase(name)
	return strings.HasPrefix(base, "MANIFEST-") || strings.HasPrefix(base, "marker.manifest.")
}

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// Create makes a file, or what stands for one.
func (d *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.make("create", name, func() (vfs.File, error) { return d.FS.Create(name, c) })
}

// OpenReadWrite opens a file for writing.
func (d *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return d.make("open for writing", name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, c, o...) })
}

// ReuseForWrite makes a file of an older one.
func (d *FS) ReuseForWrite(from, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.make("create", name, func() (vfs.File, error) { return d.FS.ReuseForWrite(from, name, c) })
}

func (d *FS) make(what, name string, create func() (vfs.File, error)) (vfs.File, error) {
	if d.outside(name) {
		f, err := create()
		return unsynced{f}, err
	}
	err := d.gone(name)
	if !d.broken() {
		d.writing.Store(name, true)
		f, e := create()
		if e == nil {
			return &diskFile{File: f, fs: d, name: name}, nil
		}
		err = d.failed(what, name, e)
	}
	if err != nil {
		return nil, err
	}
	return &diskFile{File: discard{}, fs: d, name: name}, nil
}

// gone is what pebble is told of a change that comes too late; nil, while all is
// well.
func (d *FS) gone(name string) error {
	if d.broken() {
		return d.told(name)
	}
	return nil
}

// change makes a change, unless it comes too late.
func (d *FS) change(what, name string, do func() error) error {
	if d.outside(name) {
		return do()
	}
	if d.broken() {
		return d.told(name)
	}
	if err := do(); err != nil {
		return d.failed(what, name, err)
	}
	return nil
}

// Rename gives a file another name.
func (d *FS) Rename(from, to string) error {
	return d.change("rename", from, func() error { return d.FS.Rename(from, to) })
}

// Remove takes a file away. One that stays does no harm.
func (d *FS) Remove(name string) error {
	if d.broken() && !d.outside(name) {
		return d.told(name)
	}
	return d.FS.Remove(name)
}

// GetDiskUsage says how much room there is. Pebble, which does without, would take a failure
// for one of its own.
func (d *FS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	u, err := d.FS.GetDiskUsage(path)
	if err != nil {
		err = vfs.ErrUnsupported
	}
	return u, err
}

// OpenDir opens a directory for syncing.
func (d *FS) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	if err != nil || d.outside(name) {
		return unsynced{f}, err
	}
	return &diskFile{File: f, fs: d, name: name, dir: true}, nil
}

// Open opens a file for reading.
func (d *FS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.Open(name, o...)
	if err != nil {
		if d.opened.Load() {
			time.Sleep(readRest)
		}
		return nil, err
	}
	return &diskFile{File: f, fs: d, name: name, read: true}, nil
}

// Lock takes the directory for this process only.
func (d *FS) Lock(name string) (io.Closer, error) { return lock(d.FS, name) }
