package storage_test

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// contents is every file of a directory with its bytes.
func contents(t *testing.T, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	names, err := fs.List(dir)
	must(t, err)
	all := map[string]string{}
	for _, name := range names {
		info, err := fs.Stat(fs.PathJoin(dir, name))
		must(t, err)
		text := make([]byte, info.Size())
		if len(text) > 0 {
			f, err := fs.Open(fs.PathJoin(dir, name))
			must(t, err)
			_, err = f.ReadAt(text, 0)
			must(t, err)
			must(t, f.Close())
		}
		all[name] = string(text)
	}
	return all
}

// TestReadOnlyStoresStayAsTheyAre: what was committed last is in pebble's own log
// only, and is read from there; no file changes, and nothing can be committed.
func TestReadOnlyStoresStayAsTheyAre(t *testing.T) {
	fs := vfs.NewMem()
	o := storage.Options{FS: fs, Dir: "store"}
	s, err := storage.Open(o)
	must(t, err)
	op := &resolve.Op{Dot: logical.Dot{Origin: 1, Seq: 1}, Key: "x", Kind: resolve.Put, Value: []byte("1"), Lamport: 1, Wall: wallclock.Around(5, 0), HLC: logical.HLC{Wall: 5}}
	b := s.NewBatch()
	b.PutOp(op)
	must(t, b.Commit())
	must(t, s.Close())
	before := contents(t, fs, "store")

	o.ReadOnly = true
	s, err = storage.Open(o)
	must(t, err)
	ops, err := s.Ops(1, 1, 10, 1000)
	must(t, err)
	if len(ops) != 1 || ops[0].Key != "x" {
		t.Errorf("the log is %v", ops)
	}
	b = s.NewBatch()
	b.PutOp(op)
	if err := b.Commit(); err == nil {
		t.Error("a commit is taken")
	}
	_ = s.Close() // it tells of the refused commit again
	after := contents(t, fs, "store")
	for name, text := range after {
		if before[name] != text {
			t.Errorf("%s is new or changed", name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			t.Errorf("%s is gone", name)
		}
	}
	if _, err := storage.Open(storage.Options{FS: fs, Dir: "elsewhere", ReadOnly: true}); err == nil {
		t.Error("a directory that does not exist is opened")
	}
	if names, _ := fs.List("elsewhere"); slices.Contains(names, "LOCK") && len(names) > 1 {
		t.Errorf("it is made: %v", names)
	}
}
