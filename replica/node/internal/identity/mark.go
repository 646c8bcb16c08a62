package identity

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kvd/logical"
	"kvd/replica/node/internal/sidefile"
	"kvd/storage/file"
)

// mark is what a store says of the incarnation that runs on it, or ran last.
type mark struct {
	Origin logical.Origin `json:"origin"` // for people
	Token  string         `json:"token"`  // drawn at the start; the attestation has the same
}

// MarkFile is where it is, in the data directory: beside the log, so that an older store
// that is put in the place of this one brings an older mark, or none.
const MarkFile = "store/incarnation.json"

// readMark reads the mark; nil: there is none. One that is damaged is set aside: whatever
// damaged it may have damaged more.
func readMark(dir string) (*mark, error) {
	m := &mark{}
	found, err := sidefile.Read(dir, MarkFile, m)
	if !found || err != nil {
		return nil, err
	}
	return m, nil
}

// writeMark replaces the mark. Where that fails there is none afterwards; the error says
// that the former one could not be removed either.
func writeMark(dir string, m mark) (unwritten, err error) {
	if unwritten = sidefile.Write(dir, MarkFile, "the mark of the incarnation", m); unwritten != nil {
		err = removeMark(dir)
	}
	return unwritten, err
}

// removeMark sees to it that the next start begins a new origin.
func removeMark(dir string) error {
	path := filepath.Join(dir, MarkFile)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err = errors.Join(err, file.SyncDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("remove the mark of the last incarnation: %w", err)
	}
	return nil
}

// NewOrigin draws one: random, so that no two incarnations ever share one.
func NewOrigin() logical.Origin {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if o := logical.Origin(binary.BigEndian.Uint64(b[:])); o != 0 {
			return o
		}
	}
}
