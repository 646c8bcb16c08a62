//go:build unix

package invoke

import (
	"os"
	"syscall"
)

// lockFile waits until nobody else holds the file. Closing it lets go.
func lockFile(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}
