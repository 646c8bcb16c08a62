package returning

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica/node/internal/identity"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/exported"
)

var quiet = slog.New(slog.DiscardHandler)

// ordered is a data directory whose store is to be put aside.
func ordered(t *testing.T) (dir string, s *State) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"store", "store.rebuilt", "store.forgotten-1"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"store/log", "extent.json", "store.forgotten-1/older"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = &State{At: 9, By: "n1", Exported: true, File: "f", Writes: 3, Ordered: true}
	if err := s.write(dir); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func begun(t *testing.T, dir string) {
	t.Helper()
	s, err := Begin(dir, quiet)
	aside := filepath.Join(dir, "store.forgotten-2")
	if err != nil || !reflect.DeepEqual(*s, State{Begun: 9, File: "f", Writes: 3, Aside: aside}) {
		t.Errorf("begins with %+v, %v", s, err)
	}
	var names []string
	all, _ := os.ReadDir(dir)
	for _, e := range all {
		names = append(names, e.Name())
	}
	if want := []string{"return.json", "store.forgotten-1", "store.forgotten-2", "store.forgotten-2.extent.json", "store.forgotten-2.store.rebuilt"}; !slices.Equal(names, want) {
		t.Errorf("there are %q", names)
	}
	if text, err := os.ReadFile(filepath.Join(aside, "log")); err != nil || string(text) != "store/log" {
		t.Errorf("the former store has %q, %v", text, err)
	}
}

// The former store, and what lies beside it, is put aside once, wherever that was cut off.
func TestTheStoreIsPutAside(t *testing.T) {
	dir, _ := ordered(t)
	begun(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	if s, err := Begin(dir, quiet); err != nil || s.Begun != 9 {
		t.Errorf("the next start finds %+v, %v", s, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "store")); err != nil {
		t.Error("the new store is put aside, too")
	}
	for cut := range 4 {
		dir, s := ordered(t)
		s.Aside = filepath.Join(dir, "store.forgotten-2")
		if err := s.write(dir); err != nil {
			t.Fatal(err)
		}
		for _, step := range [][2]string{{"store.rebuilt", ".store.rebuilt"}, {"extent.json", ".extent.json"}, {"store", ""}}[:cut] {
			if err := os.Rename(filepath.Join(dir, step[0]), s.Aside+step[1]); err != nil {
				t.Fatal(err)
			}
		}
		begun(t, dir)
	}
}

// A state that cannot be read stops no start; one that cannot be obeyed does.
func TestAStateThatIsDamaged(t *testing.T) {
	dir, _ := ordered(t)
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Begin(dir, quiet); err != nil || !reflect.DeepEqual(*s, State{}) {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := Begin(t.TempDir(), quiet); err != nil || !reflect.DeepEqual(*s, State{}) {
		t.Errorf("of a fresh directory: %+v, %v", s, err)
	}
}

// said is a page of a leader that has so many ops of origin 1, and says so of others.
func said(name string, seq logical.Seq, of ...identity.Forgetting) *identity.Statement {
	s := &identity.Statement{Name: name, Forgotten: of}
	s.Frontier = append(s.Frontier, struct {
		Origin string
		Seq    logical.Seq
	}{logical.Origin(1).String(), seq})
	return s
}

func forgetting(name string, at int64, lifted bool) identity.Forgetting {
	return identity.Forgetting{Name: name, At: time.Unix(0, at), Lifted: lifted}
}

// The latest word counts, and what those have counts for nothing whose data is put aside, too.
func TestWhatTheOthersSay(t *testing.T) {
	s := &statements{self: "n3", all: []*identity.Statement{
		said("n2", 5, forgetting("n3", 7, false), forgetting("n4", 8, false), forgetting("n5", 8, true)),
		said("n1", 3, forgetting("n3", 6, true)), said("n4", 9), said("n5", 4),
	}}
	s.leaveOut()
	if got := s.names(); !slices.Equal(got, []string{"n1", "n2", "n5"}) {
		t.Errorf("%q count", got)
	}
	if w, ok := s.word(); !ok || w.At.UnixNano() != 7 || w.Lifted {
		t.Errorf("the word is %+v", w)
	}
	if f := s.have(); f.At(1) != 5 {
		t.Errorf("they have %s", f)
	}
	s.all = append(s.all, said("n6", 1, forgetting("n3", 9, true)))
	if w, _ := s.word(); !w.Lifted {
		t.Errorf("the word is %+v", w)
	}
	if _, ok := (&statements{self: "n3", all: []*identity.Statement{said("n1", 3)}}).word(); ok {
		t.Error("nobody says anything, and a word is found")
	}
}

// stored is a store with ops of two origins: 1-1, 2-1, 1-2, … by Lamport stamp.
func stored(t *testing.T, n int) *storage.Store {
	t.Helper()
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "s"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b, f := store.NewBatch(), logical.Frontier{}
	for i := range n {
		op := &resolve.Op{Dot: logical.Dot{Origin: logical.Origin(1 + i%2), Seq: logical.Seq(1 + i/2)}, Key: "k", Kind: resolve.Put, Value: []byte{'v'}, Lamport: logical.Lamport(1 + i), Deps: f.Clone()}
		if i%10 == 9 {
			op.Kind, op.Value, op.Expired = resolve.Delete, nil, &resolve.Expiry{At: 1}
		}
		f.Advance(op.Dot)
		b.PutOp(op)
	}
	if err := errors.Join(b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	return store
}

// What nobody else has is exported in an order of cause and effect, whatever origins it is
// of, and what ended by itself is left out. A stop, or an error, leaves no file.
func TestWhatNobodyElseHasIsExported(t *testing.T) {
	const n = 6000
	store, dir := stored(t, n), t.TempDir()
	path := filepath.Join(dir, "f")
	upTo, others := logical.FrontierOf(logical.Dot{Origin: 1, Seq: n / 2}, logical.Dot{Origin: 2, Seq: n / 2}), logical.FrontierOf(logical.Dot{Origin: 1, Seq: 100}, logical.Dot{Origin: 2, Seq: 7})
	never := func() bool { return false }
	if _, err := export(store, path, &exported.Header{}, upTo, others, func() bool { return true }); !errors.Is(err, errStopped) {
		t.Errorf("a stop answers %v", err)
	}
	if _, err := export(store, path, &exported.Header{}, logical.FrontierOf(logical.Dot{Origin: 1, Seq: n}), others, never); err == nil {
		t.Error("a log that lacks ops is exported")
	}
	if got, err := export(store, path, &exported.Header{}, upTo, upTo, never); got != 0 || err != nil {
		t.Errorf("of nothing: %d, %v", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	got, err := export(store, path, &exported.Header{}, upTo, others, never)
	if err != nil {
		t.Fatal(err)
	}
	f, err := exported.Open(path)
	if err != nil || f.Writes != got {
		t.Fatalf("%+v, %v", f, err)
	}
	want := want(n)
	i := 0
	for w := range f.All() {
		if i >= len(want) || w.Dot != want[i] {
			t.Fatalf("write %d is %s", i, w.Dot)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d are exported, of %d", i, len(want))
	}
}

func want(n int) (dots []string) {
	for i := range n {
		d := logical.Dot{Origin: logical.Origin(1 + i%2), Seq: logical.Seq(1 + i/2)}
		if i%10 != 9 && (d.Origin == 1 && d.Seq > 100 || d.Origin == 2 && d.Seq > 7) {
			dots = append(dots, d.String())
		}
	}
	return dots
}
