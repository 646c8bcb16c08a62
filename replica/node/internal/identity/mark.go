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

// Mark is that of a clean stop: it is written after everything else was closed, and
// removed before anything else is opened.
type Mark struct {
	Origin   logical.Origin `json:"origin"`
	Seq      logical.Seq    `json:"seq"`      // how far the origin's log reaches
	Statuses uint64         `json:"statuses"` // numbers given to statuses under this origin
	Token    string         `json:"token"`    // drawn at the stop; its attestation has the same. Set by [Leave]
}

// MarkFile is where it is, in the data directory.
const MarkFile = "clean.json"

// Last is what the last incarnation left.
type Last struct {
	Mark     *Mark // nil: its stop was not a clean one, or there was none
	Attested error // why the stop is not attested; nil: it is
	Damaged  error // why there is no mark though there was a file; nil: it is not so
	Unready  error // why the next stop could not be attested, as far as that is known now; nil: it can
}

// Recall reads what the last incarnation left and removes it for good. The error says
// that the mark could not be removed: then nobody may begin.
func Recall(dir, stateDir string) (last Last, err error) {
	a := &attester{dir: dir, state: stateDir}
	said, unattested := a.take()
	last.Attested, last.Unready = unattested, a.ready()
	if last.Mark, last.Damaged, err = takeMark(dir); err != nil {
		return Last{}, err
	}
	if last.Mark != nil && last.Attested == nil {
		last.Attested = said.agrees(last.Mark)
	}
	return last, nil
}

// Leave writes the mark of a clean stop, after which nothing may be written, and
// attests it. A stop that is only not attested is as good as any other, but that the
// next start begins a new origin.
func Leave(dir, stateDir string, m Mark) (unattested, err error) {
	m.Token = rand.Text()
	if err := leaveMark(dir, m); err != nil {
		return nil, err
	}
	return (&attester{dir: dir, state: stateDir}).leave(m.Token), nil
}

// takeMark reads the mark and removes it for good; nil: the last stop was not a
// clean one, or there was none, or it is damaged. Whoever damaged it may have
// damaged more.
func takeMark(dir string) (m *Mark, damaged, err error) {
	m = &Mark{}
	found, damaged := sidefile.Read(dir, MarkFile, m)
	if !found && damaged == nil {
		return nil, nil, nil
	}
	err = os.Remove(filepath.Join(dir, MarkFile))
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
func leaveMark(dir string, m Mark) error {
	if err := sidefile.Write(dir, MarkFile, "the mark of a clean stop", m); err != nil {
		return fmt.Errorf("%w; the next start begins a new origin", err)
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
