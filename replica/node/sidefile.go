package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readSide reads a file beside the store into what it holds; false: there is none.
// One that was cut short or overwritten is set aside under another name, and the
// error says so: nothing in these files is worth a leader that does not start.
// Zeros behind the content are what a crash leaves of a file that was growing.
func readSide(dir, name string, into any) (found bool, err error) {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
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
