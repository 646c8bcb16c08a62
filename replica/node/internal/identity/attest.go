package identity

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kvd/storage/file"
)

// attestation is what is said of a data directory outside of it.
type attestation struct {
	Token   string `json:"token"`          // of the mark
	Next    string `json:"next,omitempty"` // of the mark that is about to take its place; empty: none is
	Dir     string `json:"dir"`            // for people
	Machine string `json:"machine"`
	Run     Run    `json:"run"`
	inode
}

// inode is what tells a directory, and the mark in it, from every copy.
type inode struct {
	Device  uint64 `json:"device"`
	Dir     uint64 `json:"inode"`
	Mark    uint64 `json:"mark_inode"`
	Changed int64  `json:"mark_changed"` // nanoseconds of Unix time, as the filesystem says; no program can set it
}

// maxAttestations bounds how many directories are remembered: those that were run
// longest ago are forgotten first, and begin a new origin.
const maxAttestations = 1024

// attester keeps the attestation of one data directory.
type attester struct {
	dir, state string // state empty: the attestation lies in the directory itself
}

// path is where the attestation of the directory is, by what tells it from copies.
func (a *attester) path() (string, error) {
	device, n, err := directory(a.dir)
	if a.state == "" {
		return filepath.Join(a.dir, "attestation.json"), err
	}
	return filepath.Join(a.state, fmt.Sprintf("leader-%x-%x.json", device, n)), err
}

// read is the attestation of the mark, which must be there: its inode counts.
func (a *attester) read(m *mark) (*attestation, error) {
	path, err := a.path()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing in %s says that it was this very directory that a leader ran on last: it may be a copy", filepath.Dir(path))
	}
	said := &attestation{}
	if err == nil {
		err = json.Unmarshal(text, said)
	}
	if err != nil {
		return nil, fmt.Errorf("read the attestation of the data directory: %w", err)
	}
	now, err := a.present()
	if err != nil {
		return nil, err
	}
	return said, said.against(m, now)
}

// against is why the mark, which lies where now says, is not the one that is attested;
// nil: it is.
func (s *attestation) against(m *mark, now inode) error {
	announced := m.Token == s.Next // written, and nobody came to say where it lies
	switch {
	case s.Machine != machine():
		return errors.New("the directory was run on another machine")
	case now.Device != s.Device || now.Dir != s.inode.Dir:
		return errors.New("the attestation is of another directory: this one is a copy")
	case m.Token == "" || m.Token != s.Token && !announced:
		return errors.New("the mark of the incarnation is not that of the last one: the directory is from an older backup")
	case now != s.inode && !announced:
		return errors.New("the mark of the incarnation was written again since, by a copy or a backup")
	}
	return nil
}

// write replaces the attestation.
func (a *attester) write(s *attestation) error {
	path, err := a.path()
	if err != nil {
		return err
	}
	if a.state != "" {
		if err := os.MkdirAll(a.state, 0o700); err != nil {
			return fmt.Errorf("the state directory: %w; name another with --state-dir", err)
		}
	}
	text, err := json.Marshal(s)
	if err == nil {
		err = file.Replace(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("attest the data directory: %w", err)
	}
	return nil
}

// remove removes the attestation; an error where there is none.
func (a *attester) remove() error {
	path, err := a.path()
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = file.SyncDir(filepath.Dir(path))
	}
	return err
}

// present is where the directory and its mark lie now.
func (a *attester) present() (now inode, err error) {
	if now.Device, now.Dir, err = directory(a.dir); err != nil {
		return now, err
	}
	now.Mark, now.Changed, err = changed(filepath.Join(a.dir, MarkFile))
	return now, err
}

// forgetOldest keeps the bound. What cannot be removed is tried again at the next
// start.
func (a *attester) forgetOldest() {
	if a.state == "" {
		return
	}
	all, err := filepath.Glob(filepath.Join(a.state, "leader-*.json"))
	if err != nil || len(all) <= maxAttestations {
		return
	}
	age := func(path string) int64 {
		if info, err := os.Stat(path); err == nil {
			return info.ModTime().UnixNano()
		}
		return 0
	}
	slices.SortFunc(all, func(x, y string) int { return cmp.Compare(age(x), age(y)) })
	for _, path := range all[:len(all)-maxAttestations] {
		_ = os.Remove(path)
	}
}

// machine is this machine's id; empty where it has none.
func machine() string { return firstOf("/etc/machine-id") }

// boot is drawn by the kernel whenever the machine starts; empty where there is none.
func boot() string { return firstOf("/proc/sys/kernel/random/boot_id") }

func firstOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text[:min(len(text), 64)])
}
