package disk

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Names in the directory of a store, beside the database's files.
const (
	LogDir = "log" // the directory of its log
	// CheckpointDir is a directory that has copies and links. Nothing in it is the store's: a
	// change that fails there is told to whoever makes it, and is no fault.
	CheckpointDir = "checkpoint"
	// LockFile is held by whoever has the directory. Pebble takes the same.
	LockFile = "LOCK"
)

// LockDir takes a directory for whoever does not open it as a store. That somebody has it is
// [ErrInUse].
func LockDir(fs vfs.FS, dir string) (io.Closer, error) {
	return lock(fs, fs.PathJoin(dir, LockFile))
}

// lock says of a lock that another has that the directory is in use.
func lock(fs vfs.FS, name string) (io.Closer, error) {
	c, err := fs.Lock(name)
	if err != nil && heldByAnother(err) {
		err = fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return c, err
}
