package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The disk that a backup goes to is full: it fails and says so, the leader serves on, the
// backup that was there is whole, and with room again it goes on. So does a restore.
func TestABackupOntoAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	ctx, dir := context.Background(), filepath.Join(disk, "backup")
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0")
	n.try("SET", "first", "1")
	n.backup(dir)
	release := fillUp(t, disk)
	for i, k := range []string{"a", "b", "c"} {
		n.try("SET", k, noise(uint64(i), 1<<20))
	}
	if _, err := n.tryBackup(ctx, dir, func() {}); err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("onto a full disk: %v", err)
	}
	n.try("SET", "more", "1")
	if code, said := ran(t, "verify", dir); code != 0 || !strings.Contains(said, "a later backup into") || !strings.Contains(said, "1 writes") {
		t.Errorf("verify ends with %d: %s", code, said)
	}
	release()
	n.backup(dir)
	release = fillUp(t, disk)
	home := filepath.Join(disk, "home")
	for range 2 { // what was restored of it is no reason to refuse it
		if code, said := ran(t, "restore", dir, home); code != 1 || !strings.Contains(said, "make room") {
			t.Errorf("restore onto a full disk ends with %d: %s", code, said)
		}
	}
	release()
	if code, said := ran(t, "restore", dir, home); code != 0 || !strings.Contains(said, "5 keys") {
		t.Errorf("restore ends with %d: %s", code, said)
	}
}

// fillUp leaves room for little.
func fillUp(t *testing.T, dir string) (release func()) {
	t.Helper()
	spare := filepath.Join(dir, "spare")
	err := os.WriteFile(spare, make([]byte, 256<<10), 0o600)
	release = fill(t, dir)
	if err = errors.Join(err, os.Remove(spare)); err != nil {
		t.Fatal(err)
	}
	return release
}
