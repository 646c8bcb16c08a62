package verify_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage"
	"kvd/storage/disk"
	"kvd/storage/salvage"
	"kvd/storage/storagetest"
	"kvd/storage/verify"
)

// written is a store with tables, values in files of their own, and a log.
func written(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	l := storagetest.Open(t, storagetest.Options(fs, "store"), 7)
	l.SetMany("k", 300, 100)
	l.SetMany("large", 20, 20<<10)
	l.SetBeside("k00001", "beside")
	l.Remove("k00002")
	l.Close()
	return fs
}

func whole(t *testing.T, fs vfs.FS) *verify.Report {
	t.Helper()
	r, err := verify.Store(context.Background(), fs, "store", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAWholeStoreIsWhole(t *testing.T) {
	fs := written(t)
	r := whole(t, fs)
	if len(r.Damages) > 0 || r.Objects < 319 || r.Files < 2 || r.Bytes < 30_000 || r.Frontier.At(7) != 322 {
		t.Errorf("found %+v", r)
	}
	if again := whole(t, fs); again.Bytes != r.Bytes {
		t.Errorf("verifying changed it: %d bytes, and then %d", r.Bytes, again.Bytes)
	}
}

// data is the files of a store that are verified.
func data(t *testing.T, fs vfs.FS) (paths []string) {
	t.Helper()
	for _, dir := range []string{"store", "store/log"} {
		names, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if salvage.IsData(name) || dir != "store" {
				paths = append(paths, fs.PathJoin(dir, name))
			}
		}
	}
	return paths
}

// flip changes a bit of a file, so many parts in.
func flip(t *testing.T, fs vfs.FS, path string, part, parts int64) {
	t.Helper()
	info, err := fs.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	storagetest.Flip(t, fs, path, info.Size()*part/parts)
}

// A byte is flipped in each file, at its begin, within it and near its end.
func TestAFlippedByteIsFound(t *testing.T) {
	fs := written(t)
	kinds := map[string]bool{}
	for _, path := range data(t, fs) {
		kinds[path[strings.LastIndexByte(path, '.'):]] = true
		for _, part := range []int64{0, 31, 77} {
			flip(t, fs, path, part, 100)
			said := errors.Join(whole(t, fs).Damages...)
			if said == nil || !strings.Contains(said.Error(), path) || !errors.Is(said, disk.ErrDamaged) {
				t.Errorf("%s, %d %% in: found %v", path, part, said)
			}
			flip(t, fs, path, part, 100) // back again
		}
	}
	if len(kinds) != 3 || len(whole(t, fs).Damages) > 0 {
		t.Fatalf("the store has files of the kinds %v", kinds)
	}
}

// One damage hides no other.
func TestAllDamagesAreFound(t *testing.T) {
	fs := written(t)
	paths := data(t, fs)
	for _, path := range paths {
		flip(t, fs, path, 1, 3)
	}
	said := errors.Join(whole(t, fs).Damages...).Error()
	for _, path := range paths {
		if !strings.Contains(said, path) {
			t.Errorf("%s is not named in %s", path, said)
		}
	}
}

// A log that ends before what the database holds is of another store, or lost its end.
func TestALogThatIsShorterThanTheDatabase(t *testing.T) {
	fs := written(t)
	if err := fs.RemoveAll("store/log"); err != nil {
		t.Fatal(err)
	}
	other := storagetest.Open(t, storagetest.Options(fs, "other"), 9)
	other.SetMany("k", 3, 10)
	other.Close()
	if _, err := vfs.Clone(fs, fs, "other/log", "store/log"); err != nil {
		t.Fatal(err)
	}
	if r := whole(t, fs); len(r.Damages) == 0 {
		t.Error("nothing is found")
	}
}

func TestWhatCannotBeVerified(t *testing.T) {
	fs := written(t)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := verify.Store(ctx, fs, "store", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("it goes on: %v", err)
	}
	dir := t.TempDir()
	s, err := storage.Open(storage.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify.Store(context.Background(), vfs.Default, dir, nil); !errors.Is(err, disk.ErrInUse) {
		t.Errorf("an open store: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
