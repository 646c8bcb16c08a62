// Package sidefile reads and writes the small JSON files that lie beside the store:
// what a leader wants to know again after a restart, and can do without.
//
// What it is not: a database. Each file is read whole at the start and replaced whole,
// so it is old or new after a crash and never a mixture.
package sidefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"kvd/storage/file"
)

// Read reads a file beside the store into what it holds; false: there is none.
// One that was cut short or overwritten is set aside under another name, and the
// error says so: nothing in these files is worth a leader that does not start.
// Zeros behind the content are what a crash leaves of a file that was growing.
func Read(dir, name string, into any) (found bool, err error) {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, syscall.ENOTDIR): // what is no directory holds no damaged file
		return false, err
	case err == nil:
		if err = json.Unmarshal(bytes.TrimRight(text, "\x00"), into); err == nil {
			return true, nil
		}
	}
	aside := path + ".damaged"
	if moved := os.Rename(path, aside); moved != nil {
		return false, fmt.Errorf("%s is damaged (%w), and cannot be set aside: %w", path, err, moved)
	}
	return false, fmt.Errorf("%s is damaged (%w); it is set aside as %s, and made anew", path, err, aside)
}

// Write replaces a file by v, as JSON on one line. what names it in errors.
func Write(dir, name, what string, v any) error {
	text, err := json.Marshal(v)
	return write(dir, name, what, text, err)
}

// WriteLines replaces a file by v, as JSON in lines that people can read.
func WriteLines(dir, name, what string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	return write(dir, name, what, text, err)
}

// write does nothing where there is no directory: then nothing outlives the process.
func write(dir, name, what string, text []byte, err error) error {
	if err == nil && dir != "" {
		err = file.Replace(filepath.Join(dir, name), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}
