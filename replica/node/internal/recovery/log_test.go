package recovery_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"kvd/logical"
	"kvd/replica/node/internal/recovery"
	"kvd/storage"
	"kvd/storage/codec/codectest"
)

const origin = logical.Origin(7)

func open(t *testing.T, dir string) *recovery.Disk {
	t.Helper()
	d, err := recovery.Open(recovery.Config{Name: "n1", Dir: dir, Logger: slog.New(slog.DiscardHandler), Alone: func() bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Store().Close() })
	return d
}

// fill puts the ops up to n into the store, and closes it.
func fill(t *testing.T, s *storage.Store, n logical.Seq) {
	t.Helper()
	st, _, err := s.State()
	must(t, err)
	for seq := st.Frontier.At(origin) + 1; seq <= n; seq++ {
		b := s.NewBatch()
		op := codectest.TypicalOp()
		op.Dot = logical.Dot{Origin: origin, Seq: seq}
		b.PutOp(op)
		b.PutState(storage.State{Origin: origin, Frontier: logical.FrontierOf(op.Dot)})
		must(t, b.Commit())
		must(t, b.Close())
	}
	must(t, s.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAStoreThatIsAheadOfItsLogIsMadeAnew: from what the log still has. What else it had
// is told as missing.
func TestAStoreThatIsAheadOfItsLogIsMadeAnew(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(t *testing.T, log, older string)
		left logical.Seq
	}{
		"whole": {func(*testing.T, string, string) {}, 0},
		"gone":  {func(t *testing.T, log, _ string) { must(t, os.RemoveAll(log)) }, 0},
		"empty": {func(t *testing.T, log, _ string) { must(t, os.RemoveAll(log)); must(t, os.Mkdir(log, 0o755)) }, 0},
		"older": {func(t *testing.T, log, older string) {
			must(t, os.RemoveAll(log))
			must(t, os.CopyFS(log, os.DirFS(older)))
		}, 3},
		"damaged": {func(t *testing.T, log, _ string) { harm(t, filepath.Join(log, "00000001.log")) }, 4},
	} {
		dir, older := t.TempDir(), t.TempDir()
		log := filepath.Join(dir, "store", "log")
		fill(t, open(t, dir).Store(), 3)
		must(t, os.CopyFS(older, os.DirFS(log)))
		fill(t, open(t, dir).Store(), 5)
		c.harm(t, log, older)
		d := open(t, dir)
		if d.Rebuilt() != (name != "whole") {
			t.Errorf("a log that is %s: made anew %t", name, d.Rebuilt())
		}
		waiting, err := d.Store().Waiting()
		must(t, err)
		ops, err := d.Store().WaitingOps(origin, 1, 9, 1<<20)
		must(t, err)
		if len(ops) != int(c.left) || name == "older" && waiting.At(origin) != 3 {
			t.Errorf("a log that is %s: %d ops wait, up to %s", name, len(ops), waiting)
		}
		if st, _, err := d.Store().State(); err != nil || (st.Frontier.At(origin) == 5) != (name == "whole") {
			t.Errorf("a log that is %s: the state is of %s, %v", name, st.Frontier, err)
		}
	}
}

// harm changes a byte in the middle of a file.
func harm(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	end := len(b)
	for end > 0 && b[end-1] == 0 { // what was only reserved
		end--
	}
	b[end/2] ^= 0xff
	must(t, os.WriteFile(path, b, 0o644))
}
