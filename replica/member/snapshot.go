package member

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"kvd/storage/file"
)

// knownMember is a member that a former incarnation knew and that has not been seen since
// the start.
type knownMember struct{ name, gossip string }

// loadSnapshot reads the snapshot: a line for each member, its name and its gossip
// address. No file is an empty one, and of a damaged one the lines that are whole
// are taken; it is kept under another name, which damaged is then.
//
// Serf has a snapshot of its own. It tries each member once, and a cluster whose
// leaders all start at the same moment finds nobody; and a leader that leaves
// soon after it joined remembers nobody.
func loadSnapshot(path string) (known []knownMember, damaged string, err error) {
	if path == "" {
		return nil, "", nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("member: read the snapshot of members: %w", err)
	}
	for line := range strings.Lines(string(content)) {
		name, gossip, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !nameRule.MatchString(name) || checkAddress("remembered", gossip) != nil {
			damaged = path + ".damaged"
			continue
		}
		known = append(known, knownMember{name, gossip})
	}
	if damaged != "" {
		err = os.WriteFile(damaged, content, 0o644)
	}
	return known, damaged, err
}

// saveSnapshot writes whom we know, and whom we knew and have yet to join. Members
// that left are kept too: when the whole cluster was stopped, everybody has.
func (m *Members) saveSnapshot() error {
	if m.cfg.SnapshotPath == "" {
		return nil
	}
	content := m.snapshot()
	if m.written != nil && bytes.Equal(content, m.written) {
		return nil
	}
	if err := file.Replace(m.cfg.SnapshotPath, content, 0o644); err != nil {
		return fmt.Errorf("member: write the snapshot of members: %w; give a path in a folder that can be written", err)
	}
	m.written = content
	return nil
}

func (m *Members) snapshot() []byte {
	m.mu.Lock()
	all := slices.Clone(m.known)
	for _, k := range m.view.Members {
		if k.Name != m.cfg.Name {
			all = append(all, knownMember{k.Name, k.Gossip})
		}
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b knownMember) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	for _, a := range all {
		fmt.Fprintln(&b, a.name, a.gossip)
	}
	return append([]byte{}, b.Bytes()...)
}
