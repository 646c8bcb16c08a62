package world

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// lazyFS is a filesystem that can stop syncing the store's log: what is written
// there then is handed to the operating system, as far as the writer can tell,
// and is not on disk. A store that merely does not ask for a sync would keep its
// last bytes in its own memory, where no crash of a machine could leave them.
//
// All other files are synced as they are asked to be: the store flushes and
// compacts on goroutines of its own, and may at any time drop a log for a table
// that it believes to be on disk.
type lazyFS struct {
	vfs.FS
	lazy *atomic.Bool // shared with its files; the store's own goroutines read it
}

func (f lazyFS) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil || !isLog(name) {
		return file, err
	}
	return lazyFile{file, f.lazy}, nil
}

// Create implements vfs.FS.
func (f lazyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(name, file, err)
}

// OpenReadWrite implements vfs.FS.
func (f lazyFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return f.wrap(name, file, err)
}

// ReuseForWrite implements vfs.FS.
func (f lazyFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	return f.wrap(name, file, err)
}

// Unwrap implements vfs.FS.
func (f lazyFS) Unwrap() vfs.FS { return f.FS }

// isLog reports whether the file is a log of the store's.
func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

// lazyFile is a log on a lazyFS.
type lazyFile struct {
	vfs.File
	lazy *atomic.Bool
}

// Sync implements vfs.File.
func (f lazyFile) Sync() error {
	if f.lazy.Load() {
		return nil
	}
	return f.File.Sync()
}

// SyncData implements vfs.File.
func (f lazyFile) SyncData() error {
	if f.lazy.Load() {
		return nil
	}
	return f.File.SyncData()
}

// SyncTo implements vfs.File.
func (f lazyFile) SyncTo(length int64) (fullSync bool, err error) {
	if f.lazy.Load() {
		return false, nil
	}
	return f.File.SyncTo(length)
}
