package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
)

// stands stops the process and waits until every thread of it stands still, which is a
// while after the signal was sent.
func (n *served) stands() {
	n.t.Helper()
	n.signal(syscall.SIGSTOP)
	replicatest.Eventually(n.t, n.name+" stands still", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", n.cmd.Process.Pid))
		for _, path := range threads {
			stat, gone := os.ReadFile(path)
			_, after, _ := strings.Cut(string(stat), ") ") // behind the thread's name stands its state
			if gone == nil && !strings.HasPrefix(after, "T") {
				return false
			}
		}
		return err == nil && len(threads) > 0
	})
}

// What two leaders acknowledged survives the loss of either's disk. What could not be
// acknowledged in time is the same write when it is asked for again, after the leader was
// killed, and at the other.
func TestAcknowledgedByTwo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := []string{"--policy", "safe:=lww,acks=2"}
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", policy...)
	join := append(policy, "--join", n2.gossip)
	n1 := serves(t, "n1", dir, "127.0.0.1:0", join...)
	replicatest.Eventually(t, "the leaders meet", func() bool { return n1.Do(t.Context(), "SET", "safe:met", "1").Err() == nil })

	n2.stands()
	err := n1.Do(context.Background(), "KVD.INCR", "safe:n", "5", "REQUEST", "71", "1", "ACKS", "2", "50").Err()
	n2.signal(syscall.SIGCONT)
	if err == nil {
		t.Fatal("n2 stands still, and holds a write")
	}
	said := regexp.MustCompile(`^INDOUBT .* 1 of 2 leaders are known to hold write (\S+), which is stored at n1 `).FindStringSubmatch(err.Error())
	if said == nil {
		t.Fatalf("it is answered %v", err)
	}
	n1.killed()
	n1 = serves(t, "n1", dir, "127.0.0.1:0", join...)
	for _, n := range []*served{n1, n2} {
		var r map[any]any
		replicatest.Eventually(t, n.name+" takes the retry", func() bool {
			r, _ = n.Do(context.Background(), "KVD.INCR", "safe:n", "5", "REQUEST", "71", "1", "ACKS", "2", "2000").Val().(map[any]any)
			return r != nil
		})
		if r["dot"] != said[1] || r["value"] != "5" {
			t.Errorf("%s answers the retry of %s with %v", n.name, said[1], r)
		}
	}

	n1.try("SET", "safe:x", "kept")
	n1.killed()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	n2.shows("safe:x", "kept")
}
