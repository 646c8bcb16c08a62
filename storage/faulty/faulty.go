// Package faulty is a disk that fails when it is told to: the seam by which scenarios and
// tests give a leader, simulated or real, a full disk or a broken one.
//
// What the package is not: it forgets nothing and tears nothing; what was written before a
// fault is read as it was.
package faulty

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Fault is what is wrong with a disk.
type Fault uint32

// The faults.
const (
	None   Fault = iota
	Full         // nothing more fits: creating and writing fail, and there is no room
	Broken       // every change fails
)

var names = [...]string{None: "ok", Full: "full", Broken: "broken"}

// String is the fault's word.
func (f Fault) String() string { return names[f] }

// Parse reads what [Fault.String] wrote.
func Parse(word string) (Fault, error) {
	for f, name := range names {
		if name == word {
			return Fault(f), nil
		}
	}
	return None, fmt.Errorf("a disk is ok, full or broken, not %.32q", word)
}

// Disk is one disk's fault. The zero Disk has none. Any goroutine may use it.
type Disk struct{ fault atomic.Uint32 }

// Set replaces what is wrong.
func (d *Disk) Set(f Fault) { d.fault.Store(uint32(f)) }

// Fault is what is wrong now.
func (d *Disk) Fault() Fault { return Fault(d.fault.Load()) }

// Over is fs with the disk's faults.
func (d *Disk) Over(fs vfs.FS) vfs.FS {
	return faultyFS{errorfs.Wrap(fs, errorfs.InjectorFunc(d.inject)), d}
}

// inject is the error of a call; nil: it is made.
func (d *Disk) inject(op errorfs.Op) error {
	switch f := d.Fault(); {
	case f == Full && grows(op.Kind):
		return syscall.ENOSPC
	case f == Broken && (grows(op.Kind) || changes(op.Kind)):
		return syscall.EIO
	}
	return nil
}

// grows is for calls that take room.
func grows(k errorfs.OpKind) bool {
	switch k {
	case errorfs.OpCreate, errorfs.OpLink, errorfs.OpReuseForWrite, errorfs.OpMkdirAll, errorfs.OpFilePreallocate, errorfs.OpFileWrite, errorfs.OpFileWriteAt:
		return true
	}
	return false
}

// changes is for other calls that a disk without a writable medium refuses.
func changes(k errorfs.OpKind) bool {
	switch k {
	case errorfs.OpRemove, errorfs.OpRemoveAll, errorfs.OpRename, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo, errorfs.OpFileFlush:
		return true
	}
	return false
}

// faultyFS has no room on a full disk.
type faultyFS struct {
	vfs.FS
	disk *Disk
}

// GetDiskUsage says that nothing is free on a full disk.
func (f faultyFS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	u, err := f.FS.GetDiskUsage(path)
	if errors.Is(err, vfs.ErrUnsupported) {
		return u, err
	}
	if f.disk.Fault() == Full {
		u.AvailBytes, u.UsedBytes = 0, u.TotalBytes
	}
	return u, err
}

// Unwrap is the filesystem below.
func (f faultyFS) Unwrap() vfs.FS { return f.FS }
