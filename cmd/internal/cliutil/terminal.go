package cliutil

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether w is a character device: a terminal, or something
// that nobody reads.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// isTTY reports whether w is a terminal, also one that does not know its width, as a
// serial line is.
func isTTY(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width is how many columns the terminal w has, or 0 if w is none or does not say.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Colour reports whether text on w may be coloured: on terminals, unless
// NO_COLOR is set (no-color.org) or the terminal is a dumb one.
func Colour(w io.Writer) bool {
	return IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Progress is one line that is written over and over. The zero Progress is
// silent.
type Progress struct{ w io.Writer }

// NewProgress speaks on w if that is a terminal.
func NewProgress(w io.Writer) Progress {
	if !IsTerminal(w) {
		return Progress{}
	}
	return Progress{w}
}

// Say replaces the line.
func (p Progress) Say(line string) {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K"+line)
	}
}

// Clear takes the line away.
func (p Progress) Clear() { p.Say("") }
