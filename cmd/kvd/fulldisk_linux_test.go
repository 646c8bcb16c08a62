package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
)

// smallDisk is a directory on a filesystem of its own, of 24 MiB; empty: this
// user may not mount one.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Logf("no small filesystem can be mounted here (%v)", err)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// servesOnSmallDisk is a leader on a filesystem of its own, with a write in it; nil where none
// can be mounted.
func servesOnSmallDisk(t *testing.T, minFree string) (n *served, disk, dir string) {
	t.Helper()
	if disk = smallDisk(t); disk == "" {
		return nil, "", ""
	}
	dir = filepath.Join(disk, "n1")
	n = serves(t, "n1", dir, "127.0.0.1:0", "--min-free", minFree)
	n.try("SET", "first", "1")
	return n, disk, dir
}

// fill takes what room there is.
func fill(t *testing.T, dir string) (release func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// A leader that keeps nothing free, and whose disk is full, acknowledges nothing more, reads on, says why, and
// stops when it is told to. It does not start on a full disk, and says so at once;
// with room again everything acknowledged is there. Where nothing can be mounted,
// the tests of package storage hold the same over a filesystem that fails.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	n, disk, dir := servesOnSmallDisk(t, "0")
	if n == nil {
		return
	}
	ctx := context.Background()
	fill(t, disk)
	value := strings.Repeat("v", 100<<10)
	acked := n.untilRefused(value)
	if err := n.Set(ctx, "more", "1", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("a later write: %v", err)
	}
	n.shows("first", "1")
	for i := range acked {
		n.shows(fmt.Sprint("k", i), value)
	}
	if body := n.page("/health/ready"); !strings.Contains(body, `"disk"`) || !strings.Contains(body, "no space left") {
		t.Errorf("health says %s", body)
	}
	n.signal(syscall.SIGTERM)
	code := n.end()
	if said := n.text(); code != 1 || !strings.Contains(said, "stopped, though not in order") || strings.Count(said, "the disk failed") != 1 || strings.Contains(said, "goroutine") || len(said) > 20<<10 {
		t.Errorf("it ended with %d and said %.4000s", code, said)
	}

	os.Remove(filepath.Join(disk, "filler"))
	release := fill(t, disk) // what its stop gave back, too
	p := launch(t, "serve", "--node", "n1", "--data-dir", dir, "--gossip-addr", "127.0.0.1:0",
		"--resp-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0")
	if code := p.end(); code == 0 || !strings.Contains(p.text(), "make room") || strings.Contains(p.text(), "another process") || len(p.text()) > 4<<10 {
		t.Errorf("on a full disk it ends with %d and says %.2000s", code, p.text())
	}

	release()
	n = serves(t, "n1", dir, "127.0.0.1:0")
	n.shows("first", "1")
	for i := range acked {
		n.shows(fmt.Sprint("k", i), value)
	}
	n.try("SET", "more", "1")
}

// untilRefused writes k0, k1 and so on until a write is refused for want of room, and says
// how many were acknowledged.
func (s *served) untilRefused(value string) (acked int) {
	s.t.Helper()
	for acked = 0; acked < 1000; acked++ {
		if err := s.Set(context.Background(), fmt.Sprint("k", acked), value, 0).Err(); err != nil {
			if !strings.Contains(err.Error(), "make room") {
				s.t.Fatalf("after %d writes: %v", acked, err)
			}
			return acked
		}
	}
	s.t.Fatal("nothing is refused")
	return 0
}

// When a full disk has room again the leader goes on by itself, with all that it had
// acknowledged.
func TestAFullDiskThatHasRoomAgain(t *testing.T) {
	t.Parallel()
	n, disk, _ := servesOnSmallDisk(t, "0")
	if n == nil {
		return
	}
	release := fill(t, disk)
	value := strings.Repeat("v", 100<<10)
	acked := n.untilRefused(value)
	release()
	replicatest.Eventually(t, "writes are taken again", func() bool { return n.Set(context.Background(), "more", "1", 0).Err() == nil })
	for i := range acked {
		n.shows(fmt.Sprint("k", i), value)
	}
	n.shows("more", "1")
	n.signal(syscall.SIGTERM)
	if code, said := n.end(), n.text(); code != 0 || strings.Count(said, "the disk failed") != 1 || strings.Count(said, "begins again") != 1 {
		t.Errorf("it ended with %d and said %.4000s", code, said)
	}
}

// With less room than is kept free no write is taken, and nothing fails: writes are taken
// again as soon as there is more. A leader that starts without room says so and reads.
func TestMinFree(t *testing.T) {
	t.Parallel()
	n, _, dir := servesOnSmallDisk(t, "12000000")
	if n == nil {
		return
	}
	ctx := context.Background()
	acked := n.untilRefused(strings.Repeat("v", 100<<10))
	if err := n.Set(ctx, "more", "1", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY") || !strings.Contains(err.Error(), "--min-free keeps 11.4 MiB") {
		t.Errorf("after %d writes: %v", acked, err)
	}
	if body := n.page("/health/ready"); !strings.Contains(body, `"disk-space"`) {
		t.Errorf("health says %s", body)
	}
	if body := n.page("/metrics"); !strings.Contains(body, "kvd_disk_min_free_bytes 1.2e+07") || !strings.Contains(body, "kvd_writes_refused 1") {
		t.Error("the metrics do not say it")
	}
	n.signal(syscall.SIGTERM)
	if code, said := n.end(), n.text(); code != 0 || strings.Count(said, "takes no writes") != 1 || strings.Contains(said, "the disk failed") {
		t.Errorf("it ended with %d and said %.4000s", code, said)
	}
	n = serves(t, "n1", dir, "127.0.0.1:0", "--min-free", "12000000")
	n.says(`level=ERROR msg="takes no writes".*cause=disk-space`)
	n.shows("first", "1")
	n.shows(fmt.Sprint("k", acked-1), strings.Repeat("v", 100<<10))
	if err := n.Set(ctx, "more", "1", 0).Err(); err == nil {
		t.Error("it takes writes")
	}
	n.signal(syscall.SIGTERM)
	n.end()
	n = serves(t, "n1", dir, "127.0.0.1:0", "--min-free", "1000")
	n.try("SET", "more", "1")
}
