//go:build unix

package cliutil

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Width is how many columns the terminal w has, or 0 if w is none or does not
// say.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
