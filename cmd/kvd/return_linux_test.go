package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
)

// A leader that was forgotten while it was dead returns where only one other is left. It
// writes what it alone had to a file, and begins anew in the same process when it is told to.
func TestAForgottenLeaderBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	g1, g2 := free(t), free(t)
	n1 := serves(t, "n1", filepath.Join(dir, "n1"), g1, "--serve-while-joining")
	n2 := serves(t, "n2", filepath.Join(dir, "n2"), g2, "--join", g1)
	n2.try("SET", "both", "v")
	n1.shows("both", "v")
	n1.signal(syscall.SIGTERM)
	n1.end()
	for i := range 10 {
		n2.try("SET", fmt.Sprint("alone", i), "v")
	}
	n2.signal(syscall.SIGKILL)
	n2.end()
	n1 = serves(t, "n1", filepath.Join(dir, "n1"), g1, "--serve-while-joining")
	replicatest.Eventually(t, "n1 forgets n2", func() bool {
		return n1.Do(t.Context(), "KVD.FORGET", "n2").Err() == nil
	})
	n2 = serves(t, "n2", filepath.Join(dir, "n2"), g2, "--join", g1)
	n2.says(`exported.* writes=10 file=\S+unshared-\S+\.jsonl asked=n1`)
	if err := n2.Set(t.Context(), "x", "1", 0).Err(); err == nil || !strings.Contains(err.Error(), "kv admin return n2 lets it begin anew") {
		t.Errorf("a write is answered %v", err)
	}
	answer := n2.try("KVD.RETURN").(map[any]any)
	if text, err := os.ReadFile(answer["file"].(string)); err != nil || strings.Count(string(text), "\n") != 12 || answer["writes"] != int64(10) || answer["again"] != int64(1) {
		t.Errorf("it answers %v; the file has %s, %v", answer, text, err)
	}
	n2.says("begins anew, as the leader was forgotten")
	replicatest.Eventually(t, "n2 takes writes", func() bool { return n2.Set(t.Context(), "new", "v", 0).Err() == nil })
	n1.shows("new", "v")
	n2.shows("both", "v")
	if err := n1.Get(t.Context(), "alone1").Err(); err == nil {
		t.Error("what n2 alone had is merged")
	}
	for _, n := range []*served{n2, n1} {
		n.signal(syscall.SIGTERM)
		if code := n.end(); code != 0 {
			t.Errorf("%s ends with %d", n.name, code)
		}
	}
}
