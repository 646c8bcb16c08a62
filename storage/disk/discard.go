package disk

import (
	"io/fs"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// discard is a file that takes everything and keeps nothing.
type discard struct{}

var _ vfs.File = discard{}

func (discard) Close() error                           { return nil }
func (discard) Read([]byte) (int, error)               { return 0, os.ErrClosed }
func (discard) ReadAt([]byte, int64) (int, error)      { return 0, os.ErrClosed }
func (discard) Write(p []byte) (int, error)            { return len(p), nil }
func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (discard) Preallocate(_, _ int64) error           { return nil }
func (discard) Stat() (vfs.FileInfo, error)            { return emptyInfo{}, nil }
func (discard) Sync() error                            { return nil }
func (discard) SyncTo(int64) (full bool, err error)    { return true, nil }
func (discard) SyncData() error                        { return nil }
func (discard) Prefetch(_, _ int64) error              { return nil }
func (discard) Fd() uintptr                            { return vfs.InvalidFd }

// emptyInfo describes a file of which nothing is known, as one without content.
type emptyInfo struct{ name string }

var _ vfs.FileInfo = emptyInfo{}

func (i emptyInfo) Name() string             { return i.name }
func (emptyInfo) Size() int64                { return 0 }
func (emptyInfo) Mode() fs.FileMode          { return 0 }
func (emptyInfo) ModTime() time.Time         { return time.Time{} }
func (emptyInfo) IsDir() bool                { return false }
func (emptyInfo) Sys() any                   { return nil }
func (emptyInfo) DeviceID() (d vfs.DeviceID) { return d }
