//go:build unix

package main

import (
	"os"
	"syscall"
)

// alone waits until nobody else holds the file. Closing it lets go.
func alone(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}
