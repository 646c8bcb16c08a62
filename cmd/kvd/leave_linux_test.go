package main

import (
	"path/filepath"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
)

// A leader that was drained and leaves ends in order, and its data is not served again.
// KVD.RELOAD reads what SIGHUP does.
func TestALeaderLeaves(t *testing.T) {
	dir := t.TempDir()
	g1, g2 := free(t), free(t)
	n1 := serves(t, "n1", filepath.Join(dir, "n1"), g1, "--serve-while-joining")
	n2 := serves(t, "n2", filepath.Join(dir, "n2"), g2, "--join", g1)
	n2.try("SET", "k", "v")
	replicatest.Eventually(t, "n2 is safe to stop", func() bool {
		return n2.try("KVD.DRAIN").(map[any]any)["safe"] == int64(1)
	})
	n2.try("KVD.LEAVE")
	if code := n2.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	n2.says("^kvd: n2 has left its cluster for good")
	n1.shows("k", "v")
	again := launch(t, append([]string{"serve", "--node", "n2", "--data-dir", filepath.Join(dir, "n2")}, serveArgs(t)[5:]...)...)
	if code := again.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	again.says(`left cluster "kvd" for good .* start with another data directory`)

	if r := n1.try("KVD.RELOAD").(map[any]any); len(r["read"].([]any)) != 1 || r["read"].([]any)[0] != "log-level" {
		t.Errorf("it has read %v", r)
	}
	n1.says("the configuration was read again")
	n1.signal(syscall.SIGTERM)
	if code := n1.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
