package disk

import (
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskFile is a file of a disk.
type diskFile struct {
	vfs.File
	fs   *FS
	name string
	dir  bool
	read bool // opened for reading only
}

// told is what pebble is told of a change that was not made.
func (f *diskFile) told() error {
	if f.dir {
		return nil // pebble panics otherwise
	}
	return f.fs.told(f.name)
}

// change makes a change, unless it comes too late.
func (f *diskFile) change(what string, do func() error) error {
	if f.fs.broken() {
		return f.told()
	}
	if err := do(); err != nil {
		if f.dir {
			f.fs.fault.set(fmt.Errorf("%s %s: %w", what, f.name, err))
			return nil
		}
		return f.fs.failed(what, f.name, err)
	}
	return nil
}

func (f *diskFile) Write(p []byte) (n int, err error) {
	err = f.change("write", func() (err error) {
		n, err = f.File.Write(p)
		return err
	})
	return whole(n, p, err)
}

func (f *diskFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.change("write", func() (err error) {
		n, err = f.File.WriteAt(p, at)
		return err
	})
	return whole(n, p, err)
}

// whole is what a writer says who was told that all is well.
func whole(n int, p []byte, err error) (int, error) {
	if err == nil {
		return len(p), nil
	}
	return n, err
}

func (f *diskFile) Sync() error     { return f.change("sync", f.File.Sync) }
func (f *diskFile) SyncData() error { return f.change("sync", f.File.SyncData) }

func (f *diskFile) SyncTo(n int64) (full bool, err error) {
	err = f.change("sync", func() (err error) {
		full, err = f.File.SyncTo(n)
		return err
	})
	return full, err
}

// Preallocate asks for space in advance. Its failure does no harm: what is written
// later may still fit, and is a failure if it does not.
func (f *diskFile) Preallocate(offset, length int64) error {
	if f.fs.broken() {
		return f.told()
	}
	return f.File.Preallocate(offset, length)
}

// Close gives the file back, whatever else is wrong.
func (f *diskFile) Close() error {
	err := f.File.Close()
	if f.read || f.dir {
		return err
	}
	if f.fs.writing.Delete(f.name); err == nil {
		return nil
	}
	if f.fs.broken() {
		return f.told()
	}
	return f.fs.failed("close", f.name, err)
}

func (f *diskFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, f.rest(err)
}

func (f *diskFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	return n, f.rest(err)
}

// rest waits after a failed read and names the file.
func (f *diskFile) rest(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if f.fs.opened.Load() {
		time.Sleep(readRest)
	}
	return fmt.Errorf("read %s: %w", f.name, err)
}

// Stat describes the file. Pebble panics when that fails for a log that it writes.
func (f *diskFile) Stat() (vfs.FileInfo, error) {
	i, err := f.File.Stat()
	if err != nil && !f.read && isLog(f.name) {
		return emptyInfo{name: f.name}, nil
	}
	return i, err
}
