package world

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// lazyFS is a filesystem that can stop syncing: what is written then is handed
// to the operating system, as far as the writer can tell, and is not on disk. A
// store that merely does not ask for a sync would keep its last bytes in its own
// memory, where no crash of a machine could leave them.
type lazyFS struct {
	vfs.FS
	lazy *atomic.Bool // shared with its files; the store's own goroutines read it
}

func (f lazyFS) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return lazyFile{file, f.lazy}, nil
}

// Create implements vfs.FS.
func (f lazyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.Create(name, c))
}

// OpenReadWrite implements vfs.FS.
func (f lazyFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.wrap(f.FS.OpenReadWrite(name, c, o...))
}

// OpenDir implements vfs.FS.
func (f lazyFS) OpenDir(name string) (vfs.File, error) { return f.wrap(f.FS.OpenDir(name)) }

// ReuseForWrite implements vfs.FS.
func (f lazyFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.ReuseForWrite(old, name, c))
}

// Unwrap implements vfs.FS.
func (f lazyFS) Unwrap() vfs.FS { return f.FS }

// lazyFile is a file of a lazyFS.
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
