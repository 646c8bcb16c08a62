package identity

import (
	"fmt"
	"syscall"
)

// directory is the device and inode of a directory.
func directory(path string) (device, n uint64, err error) {
	s, err := stat(path)
	return s.Dev, s.Ino, err
}

// changed is the inode of a file, and when the inode last changed: no program can
// set that.
func changed(path string) (n uint64, at int64, err error) {
	s, err := stat(path)
	return s.Ino, s.Ctim.Nano(), err
}

func stat(path string) (s syscall.Stat_t, err error) {
	if err := syscall.Stat(path, &s); err != nil {
		return s, fmt.Errorf("look at %s: %w", path, err)
	}
	return s, nil
}
