package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kvd/storage/file"
)

// A mark of a clean stop lies in the data directory, so a copy of the directory
// has it too, and a backup has an older one. Neither may go on with the origin:
// somebody else does, or has. So each clean stop also leaves an attestation in the
// state directory, which nobody copies along: which directory it was, by what no
// copy has (its inode, and when the inode of the mark last changed), and a token
// drawn at that stop, which only the mark of that very stop has. Both are taken
// away by the next start, whatever comes of it. Where one is missing or they do
// not agree, a new origin begins, which is always safe.
//
// A machine that is cloned or rolled back as a whole takes its attestations with
// it. That is found by other leaders: see [Confirmer], and the core.
type attestation struct {
	Token   string `json:"token"`
	Dir     string `json:"dir"` // for people
	Machine string `json:"machine"`
	inode
}

// inode is what tells a directory, and the mark in it, from every copy.
type inode struct {
	Device  uint64 `json:"device"`
	Dir     uint64 `json:"inode"`
	Mark    uint64 `json:"mark_inode"`
	Changed int64  `json:"mark_changed"` // nanoseconds of Unix time, as the filesystem says; no program can set it
}

// maxAttestations bounds how many directories are remembered: those that were
// stopped longest ago are forgotten first, and begin a new origin.
const maxAttestations = 1024

// attester keeps the attestation of one data directory.
type attester struct {
	dir, state string // state empty: there is nowhere to keep one
}

// path is where the attestation of the directory is, by what tells it from copies.
func (a *attester) path() (string, error) {
	if a.state == "" {
		return "", errors.New("there is no state directory; name one with --state-dir, outside of the data directory")
	}
	device, n, err := directory(a.dir)
	return filepath.Join(a.state, fmt.Sprintf("closed-%x-%x.json", device, n)), err
}

// take reads the attestation and removes it for good. It must be called while the
// mark is still there: its inode counts.
func (a *attester) take() (*attestation, error) {
	path, err := a.path()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing in %s says that it was this very directory that was closed last: it may be a copy", a.state)
	}
	if err == nil {
		err = errors.Join(os.Remove(path), file.SyncDir(a.state))
	}
	if err != nil {
		return nil, fmt.Errorf("take the attestation of the last stop: %w", err)
	}
	var said attestation
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("read the attestation of the last stop: %w", err)
	}
	now, err := a.present()
	switch {
	case err != nil:
		return nil, err
	case now != said.inode:
		return nil, errors.New("the mark of a clean stop was written again since, by a copy or a backup")
	case said.Machine != machine():
		return nil, errors.New("the directory was closed on another machine")
	}
	return &said, nil
}

// agrees is why the mark is not the one of that stop; nil: it is.
func (s *attestation) agrees(m *Mark) error {
	if m.Token == "" || m.Token != s.Token {
		return errors.New("the mark of a clean stop is not that of the last one: the directory is from an older backup")
	}
	return nil
}

// ready is why a stop could not be attested, as far as that can be known before.
func (a *attester) ready() error {
	if a.state == "" {
		return nil // nobody wants it
	}
	err := os.MkdirAll(a.state, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(a.state, "ready-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("the state directory: %w; name another with --state-dir", err)
	}
	return nil
}

// leave attests the stop whose mark was just written.
func (a *attester) leave(token string) error {
	path, err := a.path()
	if err != nil {
		return err
	}
	now, err := a.present()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.state, 0o700); err != nil {
		return fmt.Errorf("the state directory: %w; name another with --state-dir", err)
	}
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return err
	}
	text, err := json.Marshal(attestation{Token: token, Dir: dir, Machine: machine(), inode: now})
	if err == nil {
		err = file.Replace(path, append(text, '\n'), 0o644)
	}
	a.forgetOldest()
	return err
}

func (a *attester) present() (now inode, err error) {
	if now.Device, now.Dir, err = directory(a.dir); err != nil {
		return now, err
	}
	now.Mark, now.Changed, err = changed(filepath.Join(a.dir, MarkFile))
	return now, err
}

// forgetOldest keeps the bound. What cannot be removed is tried again at the next
// stop.
func (a *attester) forgetOldest() {
	all, err := filepath.Glob(filepath.Join(a.state, "closed-*.json"))
	if err != nil || len(all) <= maxAttestations {
		return
	}
	age := func(path string) int64 {
		if info, err := os.Stat(path); err == nil {
			return info.ModTime().UnixNano()
		}
		return 0
	}
	slices.SortFunc(all, func(x, y string) int { return int(min(1, max(-1, age(x)-age(y)))) })
	for _, path := range all[:len(all)-maxAttestations] {
		_ = os.Remove(path)
	}
}

// machine is this machine's id; empty where it has none.
func machine() string {
	text, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return string(text[:min(len(text), 64)])
}
