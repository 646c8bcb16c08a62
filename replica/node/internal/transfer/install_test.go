package transfer

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/checkpoint"
	"kvd/storage/log"
	"kvd/storage/storagetest"
)

const ours, theirs = logical.Origin(7), logical.Origin(9)

var silent = slog.New(slog.DiscardHandler)

func options(dir string) storage.Options {
	o := storagetest.Options(vfs.Default, dir)
	o.Sync, o.SegmentBytes = storage.SyncNever, 256<<10
	return o
}

// stored makes a store below a directory, with so many ops of 50 kB.
func stored(t *testing.T, dir string, ops int) *storagetest.Leader {
	t.Helper()
	l := storagetest.Open(t, options(filepath.Join(dir, storeDir)), ours)
	l.SetMany("k", ops, 50_000)
	return l
}

// fetched puts the state of a leader with so many ops where one that was fetched lies.
func fetched(t *testing.T, dir string, ops int) {
	t.Helper()
	l := storagetest.Open(t, options(filepath.Join(t.TempDir(), storeDir)), theirs)
	l.SetMany("state", ops, 100)
	c, err := l.Store.StateCheckpoint()
	must(t, err)
	for _, f := range c.Files {
		copyFile(t, c, f, filepath.Join(dir, fetchedDir, filepath.FromSlash(f.Name)))
	}
}

func copyFile(t *testing.T, c *checkpoint.Checkpoint, f checkpoint.File, to string) {
	t.Helper()
	p := make([]byte, f.Bytes)
	if f.Bytes > 0 {
		_, err := c.Read(f, 0, p)
		must(t, err)
	}
	must(t, os.MkdirAll(filepath.Dir(to), 0o700))
	must(t, os.WriteFile(to, p, 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// installed checks that the store has the state, and waits to apply what the old one had.
func installed(t *testing.T, dir string, state, carried logical.Seq) {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: filepath.Join(dir, storeDir)})
	must(t, err)
	defer s.Close()
	st, _, err := s.State()
	must(t, err)
	waiting, err := s.Waiting()
	must(t, err)
	origins, err := s.Incarnations()
	must(t, err)
	if st.Origin != ours || st.Frontier.At(theirs) != state || st.Frontier.At(ours) != 0 || waiting.At(ours) != carried || !slices.Equal(origins, []logical.Origin{ours}) {
		t.Errorf("it is of %s up to %s; up to %s waits, and the origins are %v", st.Origin, st.Frontier, waiting, origins)
	}
	ops, err := s.WaitingOps(ours, 1, 1<<20, 1<<30)
	must(t, err)
	if len(ops) != int(carried) {
		t.Errorf("%d ops wait", len(ops))
	}
	for _, left := range []string{fetchedDir, replacedDir} {
		if _, err := os.Lstat(filepath.Join(dir, left)); !os.IsNotExist(err) {
			t.Errorf("%s is left", left)
		}
	}
}

// TestInstallingEndsAnywhere: whatever a crash leaves, the next start makes the same of it.
func TestInstallingEndsAnywhere(t *testing.T) {
	dir := t.TempDir()
	stored(t, dir, 50).Close() // more than one batch
	fetched(t, dir, 50)
	var steps, left []string
	in := installing{dir: dir, logger: silent, step: func(step string) {
		copied := filepath.Join(t.TempDir(), fmt.Sprint(len(left)))
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		steps, left = append(steps, step), append(left, copied)
	}}
	if done, err := in.run(); !done || err != nil || in.carried != 50 {
		t.Fatalf("%t, with %d ops, %v", done, in.carried, err)
	}
	installed(t, dir, 50, 50)
	want := "remove store.replaced carry over commit commit commit rename store rename store.fetched remove store.replaced"
	if got := strings.Join(steps, " "); got != want {
		t.Errorf("the steps were %s", got)
	}
	for i, dir := range left {
		if _, err := Install(dir, "n1", silent); err != nil {
			t.Errorf("ended before %s: %v", steps[i], err)
		}
		installed(t, dir, 50, 50)
	}
	if done, err := Install(dir, "n1", silent); done || err != nil {
		t.Errorf("it is installed again: %t, %v", done, err)
	}
}

// TestANewcomerInstalls where no store was before.
func TestANewcomerInstalls(t *testing.T) {
	dir := t.TempDir()
	fetched(t, dir, 5)
	if done, err := Install(dir, "n1", silent); !done || err != nil {
		t.Fatalf("%t, %v", done, err)
	}
	s, err := storage.Open(storage.Options{Dir: filepath.Join(dir, storeDir)})
	must(t, err)
	defer s.Close()
	st, _, err := s.State()
	must(t, err)
	if st.Origin != 0 || st.Frontier.At(theirs) != 5 {
		t.Errorf("it is of %s up to %s", st.Origin, st.Frontier)
	}
}

// TestWhatIsNotInstalled: the store stays as it was, and the next transfer waits.
func TestWhatIsNotInstalled(t *testing.T) {
	for name, spoil := range map[string]func(dir string){
		"damaged": func(dir string) {
			must(t, os.WriteFile(filepath.Join(dir, fetchedDir, "log", "00000001.log"), []byte("x"), 0o600))
		},
		"empty": func(dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, fetchedDir)))
			must(t, os.Mkdir(filepath.Join(dir, fetchedDir), 0o700))
		},
	} {
		dir := t.TempDir()
		stored(t, dir, 3).Close()
		fetched(t, dir, 5)
		spoil(dir)
		if done, err := Install(dir, "n1", silent); done || err != nil {
			t.Errorf("%s: %t, %v", name, done, err)
		}
		if f := readFailures(dir); f.Count != 1 || f.Why == "" || !f.next().After(f.Last) {
			t.Errorf("%s: remembered is %+v", name, f)
		}
		s, err := storage.Open(storage.Options{Dir: filepath.Join(dir, storeDir)})
		must(t, err)
		st, _, err := s.State()
		must(t, err)
		if st.Frontier.At(ours) != 3 || s.Close() != nil {
			t.Errorf("%s: the store has %s", name, st.Frontier)
		}
	}
}

// TestAStateThatIsBehindIsRefused: the log here does not keep all that it lacks.
func TestAStateThatIsBehindIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := stored(t, dir, 20)
	l.Close()
	s, err := storage.Open(options(filepath.Join(dir, storeDir)))
	must(t, err)
	n, err := s.Collect(log.Kept{Stable: s.Log().Frontier(), From: math.MaxUint64})
	must(t, err)
	must(t, s.Close())
	if n == 0 {
		t.Fatal("nothing was removed")
	}
	fetched(t, dir, 5)
	if done, err := Install(dir, "n1", silent); done || err != nil {
		t.Fatalf("%t, %v", done, err)
	}
	if f := readFailures(dir); !strings.Contains(f.Why, "ahead of it") {
		t.Errorf("it was refused because %s", f.Why)
	}
}

// TestWhatIsKnownOfDotsThatWereGivenTwiceStays: both contents of one, and what settles it.
func TestWhatIsKnownOfDotsThatWereGivenTwiceStays(t *testing.T) {
	dir := t.TempDir()
	l := stored(t, dir, 3)
	second, third := logical.Dot{Origin: ours, Seq: 2}, logical.Dot{Origin: ours, Seq: 3}
	op, found, err := l.Store.Op(second)
	if err != nil || !found {
		t.Fatal(err)
	}
	other := *op
	other.Value = []byte("another")
	b := l.Store.NewBatch()
	b.PutConflict(&other)
	b.PutSettled(second, third)
	must(t, b.Commit())
	must(t, b.Close())
	l.Close()
	fetched(t, dir, 5)
	if done, err := Install(dir, "n1", silent); !done || err != nil {
		t.Fatalf("%t, %v", done, err)
	}
	s, err := storage.Open(options(filepath.Join(dir, storeDir)))
	must(t, err)
	defer s.Close()
	ops, err := s.ConflictsOf(second)
	must(t, err)
	by, settled, err := s.SettledBy(second)
	if err != nil || len(ops) != 1 || string(ops[0].Value) != "another" || !settled || by != third {
		t.Errorf("known are %d contents, settled by %s, %v", len(ops), by, err)
	}
}
