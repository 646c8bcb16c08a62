package node

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kvd/logical"
	"kvd/storage/file"
)

// mark of a clean stop: it is written after everything else was closed, and
// removed before anything else is opened.
type cleanMark struct {
	Origin   logical.Origin `json:"origin"`
	Seq      logical.Seq    `json:"seq"`      // how far the origin's log reaches
	Statuses uint64         `json:"statuses"` // numbers given to statuses in this life
	Token    string         `json:"token"`    // drawn at the stop; its attestation has the same
}

const markFile = "clean.json"

// takeMark reads the mark and removes it for good; nil: the last stop was not a
// clean one, or there was none, or it is damaged. Whoever damaged it may have
// damaged more.
func takeMark(dir string) (m *cleanMark, damaged, err error) {
	m = &cleanMark{}
	found, damaged := readSide(dir, markFile, m)
	if !found && damaged == nil {
		return nil, nil, nil
	}
	err = os.Remove(filepath.Join(dir, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // set aside
	}
	if err = errors.Join(err, file.SyncDir(dir)); err != nil {
		return nil, damaged, fmt.Errorf("remove the mark of a clean stop: %w", err)
	}
	if damaged != nil || m.Origin == 0 {
		return nil, damaged, nil
	}
	return m, nil, nil
}

// leaveMark says that nothing was lost. Nothing may be written afterwards.
func leaveMark(dir string, m cleanMark) error {
	text, err := json.Marshal(m)
	if err == nil {
		err = file.Replace(filepath.Join(dir, markFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the mark of a clean stop: %w; the next start begins a new life", err)
	}
	return nil
}

// newLife draws an origin: random, so that no two lives ever share one.
func newLife() logical.Origin {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if o := logical.Origin(binary.BigEndian.Uint64(b[:])); o != 0 {
			return o
		}
	}
}
