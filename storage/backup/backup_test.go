package backup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage/backup"
	"kvd/storage/checkpoint"
	"kvd/storage/disk"
	"kvd/storage/storagetest"
)

var ctx = context.Background()

// source is a checkpoint as a client sees it.
type source struct {
	*checkpoint.Checkpoint
	sums, reads int
	fails       func() error // before each read
}

func (s *source) Sum(ctx context.Context, name string) (string, error) {
	s.sums++
	f, _ := s.Find(name)
	return s.Checkpoint.Sum(ctx, f)
}

func (s *source) Read(_ context.Context, name string, at int64) ([]byte, error) {
	s.reads++
	if s.fails != nil {
		if err := s.fails(); err != nil {
			return nil, err
		}
	}
	f, _ := s.Find(name)
	p := make([]byte, 10_000)
	n, err := s.Checkpoint.Read(f, at, p)
	return p[:n], err
}

// taken is a backup of the leader's present moment.
func taken(t *testing.T, l *storagetest.Leader, dir string, fails func() error) (*backup.Written, *source, error) {
	t.Helper()
	c, err := l.Store.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	s := &source{Checkpoint: c, fails: fails}
	var files []backup.File
	for _, f := range c.Files {
		files = append(files, backup.File{Name: f.Name, Bytes: f.Bytes})
	}
	w, err := backup.Write(ctx, dir, backup.About{Leader: "n1", Cluster: "c", End: c.End.String()}, files, s, nil)
	if err := c.Remove(); err != nil {
		t.Error(err)
	}
	return w, s, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// leader is one with tables and a log of some size.
func leader(t *testing.T) (*storagetest.Leader, *vfs.MemFS) {
	fs := vfs.NewMem()
	l := storagetest.Open(t, storagetest.Options(fs, "store"), 7)
	l.SetMany("k", 400, 500)
	l.SetBeside("k00001", "beside")
	l.Remove("k00002")
	return l, fs
}

// backedUp is a leader, and a backup of it.
func backedUp(t *testing.T) (l *storagetest.Leader, dir string, m *backup.Manifest) {
	t.Helper()
	l, _ = leader(t)
	dir = filepath.Join(t.TempDir(), "backup")
	_, _, err := taken(t, l, dir, nil)
	must(t, err)
	m, err = backup.Read(dir)
	must(t, err)
	return l, dir, m
}

// restored is the contents of a backup.
func restored(t *testing.T, dir string) map[string]string {
	t.Helper()
	m, err := backup.Read(dir)
	must(t, err)
	to := filepath.Join(t.TempDir(), "new")
	must(t, backup.Restore(ctx, dir, to, m, nil, func(string) error {
		if !backup.Restoring(to) {
			t.Error("it counts as ended before it is examined")
		}
		return nil
	}))
	if backup.Restoring(to) {
		t.Error("it does not count as ended")
	}
	return storagetest.Contents(t, vfs.Default, filepath.Join(to, "store"))
}

func TestWhatIsRestoredIsWhatWas(t *testing.T) {
	l, fs := leader(t)
	dir := filepath.Join(t.TempDir(), "backup")
	first, _, err := taken(t, l, dir, nil)
	must(t, err)
	if first.New != first.Files || first.NewBytes != first.Bytes || first.Kept >= first.Bytes || first.Kept == 0 {
		t.Errorf("the first has %+v", first)
	}
	got := restored(t, dir)

	for i := range 20 {
		l.Set(fmt.Sprint("new", i), "1")
	}
	second, s, err := taken(t, l, dir, nil)
	must(t, err)
	if second.NewBytes >= first.Bytes || second.New == second.Files || s.sums == 0 {
		t.Errorf("the second copies %+v", second)
	}
	if all, err := filepath.Glob(filepath.Join(dir, "files", "*")); err != nil || len(all) != second.Files || backup.Unfinished(dir) {
		t.Errorf("%d files are kept, %d are named", len(all), second.Files)
	}
	again := restored(t, dir)
	l.Close()
	want := storagetest.Contents(t, fs, "store")
	if !maps.Equal(again, want) || len(want) != 420 {
		t.Errorf("of %d keys the second has %d, or others", len(want), len(again))
	}
	for i := range 20 {
		delete(want, fmt.Sprint("new", i))
	}
	if !maps.Equal(got, want) {
		t.Errorf("of %d keys the first has %d, or others", len(want), len(got))
	}
}

// A backup that is not ended is known, leaves the last as it was, and is gone on with.
func TestABackupThatEndsEarly(t *testing.T) {
	l, _ := leader(t)
	dir, stop := filepath.Join(t.TempDir(), "backup"), errors.New("stopped")
	left := 3
	fails := func() error {
		if left--; left < 0 {
			return stop
		}
		return nil
	}
	if _, _, err := taken(t, l, dir, fails); !errors.Is(err, stop) || !backup.Unfinished(dir) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := backup.Read(dir); !errors.Is(err, backup.ErrNone) || !strings.Contains(err.Error(), "not ended") {
		t.Errorf("there is a backup: %v", err)
	}
	_, _, err := taken(t, l, dir, nil)
	must(t, err)
	before := restored(t, dir)

	l.SetMany("more", 100, 500)
	left = 2
	if _, _, err := taken(t, l, dir, fails); !errors.Is(err, stop) || !backup.Unfinished(dir) {
		t.Errorf("the second ends with %v", err)
	}
	if !maps.Equal(restored(t, dir), before) {
		t.Error("the first is not there any more")
	}
	_, _, err = taken(t, l, dir, nil)
	must(t, err)
	if n := len(restored(t, dir)); n != len(before)+100 || backup.Unfinished(dir) {
		t.Errorf("%d keys", n)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "files", "new-*")); err != nil || len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// A byte that is not as it was, in any file, is found and not restored.
func TestADamagedBackupIsRefused(t *testing.T) {
	l, dir, m := backedUp(t)
	all, err := filepath.Glob(filepath.Join(dir, "files", "*"))
	must(t, err)
	for i, path := range append(all, filepath.Join(dir, "backup.json")) {
		text, err := os.ReadFile(path)
		must(t, err)
		text[len(text)/2] ^= 1
		must(t, os.WriteFile(path, text, 0o600))
		if strings.HasSuffix(path, ".json") {
			if _, err := backup.Read(dir); !errors.Is(err, disk.ErrDamaged) {
				t.Errorf("the manifest is read: %v", err)
			}
			if _, _, err := taken(t, l, dir, nil); err == nil {
				t.Error("a backup goes on with it")
			}
			continue
		}
		damages, err := backup.Check(ctx, dir, m, nil)
		must(t, err)
		if len(damages) != 1 || !errors.Is(damages[0], disk.ErrDamaged) || !strings.Contains(damages[0].Error(), path) {
			t.Errorf("%s: found %v", path, damages)
		}
		if i%4 > 0 {
			text[len(text)/2] ^= 1
			must(t, os.WriteFile(path, text, 0o600))
			continue
		}
		to := t.TempDir()
		if err := backup.Restore(ctx, dir, to, m, nil, nil); !errors.Is(err, disk.ErrDamaged) || !backup.Restoring(to) {
			t.Errorf("%s is restored: %v", path, err)
		}
		must(t, os.Remove(path))
		if damages, _ := backup.Check(ctx, dir, m, nil); len(damages) != 1 {
			t.Errorf("without %s found %v", path, damages)
		}
		text[len(text)/2] ^= 1
		must(t, os.WriteFile(path, text, 0o600))
	}
}

// A restore goes nowhere where anything is, but for one that was not ended.
func TestWhereARestoreGoes(t *testing.T) {
	_, dir, m := backedUp(t)
	to := t.TempDir()
	must(t, os.WriteFile(filepath.Join(to, "mine"), nil, 0o600))
	if err := backup.Restore(ctx, dir, to, m, nil, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a file: %v", err)
	}
	must(t, os.Remove(filepath.Join(to, "mine")))
	ended, stop := context.WithCancel(ctx)
	stop()
	if err := backup.Restore(ended, dir, to, m, nil, nil); !errors.Is(err, context.Canceled) || !backup.Restoring(to) {
		t.Errorf("interrupted: %v", err)
	}
	bad := errors.New("it cannot be opened")
	if err := backup.Restore(ctx, dir, to, m, nil, func(string) error { return bad }); !errors.Is(err, bad) || !backup.Restoring(to) {
		t.Errorf("a store that is not whole: %v", err)
	}
	must(t, backup.Restore(ctx, dir, to, m, nil, func(string) error { return nil }))
	if err := backup.Restore(ctx, dir, to, m, nil, nil); err == nil {
		t.Error("over a store")
	}
}

// Files that belong to a store wherever it goes are restored beside it, and nothing of any other
// name or place is.
func TestWhatBelongsToTheStoreIsBesideIt(t *testing.T) {
	l, _ := leader(t)
	dir, to := filepath.Join(t.TempDir(), "backup"), t.TempDir()
	c, err := l.Store.Checkpoint()
	must(t, err)
	defer c.Remove()
	about := backup.About{Leader: "n1", Beside: map[string]json.RawMessage{"rules.json": json.RawMessage(`{"a":1}`)}}
	_, err = backup.Write(ctx, dir, about, nil, &source{Checkpoint: c}, nil)
	must(t, err)
	m, err := backup.Read(dir)
	must(t, err)
	bad := errors.New("it cannot be opened")
	for _, ends := range []error{bad, bad, nil} {
		if err := backup.Restore(ctx, dir, to, m, nil, func(string) error { return ends }); !errors.Is(err, ends) {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(to, "rules.json")); err != nil || string(text) != "{\n  \"a\": 1\n}\n" {
			t.Errorf("beside the store is %q, %v", text, err)
		}
	}
	other := t.TempDir()
	if err := backup.Restore(ctx, dir, other, m, nil, func(string) error { return bad }); !errors.Is(err, bad) {
		t.Fatal(err)
	}
	m.Beside = nil
	must(t, os.WriteFile(filepath.Join(other, "mine.json"), nil, 0o600))
	if err := backup.Restore(ctx, dir, other, m, nil, nil); err == nil || !strings.Contains(err.Error(), `it has "mine.json"`) {
		t.Errorf("beside a file of somebody's: %v", err)
	}
	must(t, os.Remove(filepath.Join(other, "mine.json")))
	must(t, backup.Restore(ctx, dir, other, m, nil, func(string) error { return nil }))
	if text, err := os.ReadFile(filepath.Join(other, "rules.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a restore that was not ended %q is left, %v", text, err)
	}
	for _, name := range []string{"../rules.json", "rules", ".json", "a/b.json"} {
		about.Beside = map[string]json.RawMessage{name: json.RawMessage(`{}`)}
		if _, err := backup.Write(ctx, t.TempDir(), about, nil, nil, nil); err == nil {
			t.Errorf("a leader may name %s", name)
		}
	}
}

func TestWhereABackupGoes(t *testing.T) {
	l, _ := leader(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	if _, _, err := taken(t, l, dir, nil); err == nil || !strings.Contains(err.Error(), "not empty") || backup.Unfinished(dir) {
		t.Errorf("beside a file: %v", err)
	}
	must(t, os.Remove(filepath.Join(dir, "mine")))
	_, _, err := taken(t, l, dir, nil)
	must(t, err)
	if _, err := backup.Write(ctx, dir, backup.About{Leader: "n2", Cluster: "c"}, nil, nil, nil); err == nil || !strings.Contains(err.Error(), "of leader n1") {
		t.Errorf("over another's: %v", err)
	}
	if _, err := backup.Write(ctx, t.TempDir(), backup.About{}, []backup.File{{Name: "../x"}}, nil, nil); err == nil {
		t.Error("a leader may name any path")
	}
}
