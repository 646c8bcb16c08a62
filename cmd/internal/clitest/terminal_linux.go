package clitest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is a terminal: what is typed and shown at it, and the file that a program is
// given. Closing the first is what closing a window is.
func Terminal(t *testing.T) (hand, program *os.File) {
	t.Helper()
	hand, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { hand.Close() })
	number := 0
	raw, err := hand.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if err := unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
				t.Errorf("unlock the terminal: %v", err)
			}
			var failed error
			if number, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); failed != nil {
				t.Errorf("number of the terminal: %v", failed)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return hand, program
}
