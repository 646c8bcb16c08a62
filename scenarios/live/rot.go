package live

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// rot flips a bit in the middle of what the segments of a log in dir have.
func rot(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.log")) // ascending
	if err != nil {
		return fmt.Errorf("rot: %w", err)
	}
	sizes, total := make([]int, len(paths)), 0
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("rot: %w", err)
		}
		sizes[i] = len(bytes.TrimRight(data, "\x00")) // the rest is only reserved
		total += sizes[i]
	}
	middle := total / 2
	for i, path := range paths {
		if middle < sizes[i] {
			return flip(path, int64(middle))
		}
		middle -= sizes[i]
	}
	return fmt.Errorf("rot: no log in %s has anything", dir)
}

// flip flips the lowest bit of a byte.
func flip(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("rot: %w", err)
	}
	b := make([]byte, 1)
	if _, err = f.ReadAt(b, at); err == nil {
		b[0] ^= 1
		_, err = f.WriteAt(b, at)
	}
	return errors.Join(err, f.Close())
}
