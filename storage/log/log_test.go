package log_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"kvd/logical"
	"kvd/storage/log"
)

const dir = "leader/log"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, fs vfs.FS, segment int64) *log.Log {
	t.Helper()
	l, err := log.Open(log.Options{FS: fs, Dir: dir, SegmentBytes: segment})
	must(t, err)
	return l
}

// entry is an op of an origin, or with seq zero a note, with bytes that are its own.
func entry(o logical.Origin, seq logical.Seq, size int) log.Entry {
	b := bytes.Repeat([]byte{byte(seq), byte(o), 0xc1, 'K', 'L'}, size/5+1)[:size]
	if seq == 0 {
		return log.Entry{Bytes: b}
	}
	return log.Entry{Dot: logical.Dot{Origin: o, Seq: seq}, Bytes: b}
}

// appendEntry appends an entry in one of the ways that there are.
func appendEntry(l *log.Log, e log.Entry) {
	switch {
	case e.Dot.IsZero():
		l.AppendNote(e.Bytes)
	case e.Dot.Seq%2 == 0:
		l.AppendRaw(e.Dot, e.Bytes)
	default:
		l.AppendOp(e.Dot, func(dst []byte) []byte { return append(dst, e.Bytes...) })
	}
}

// write appends a group and writes it.
func write(t testing.TB, l *log.Log, entries ...log.Entry) log.Group {
	t.Helper()
	for _, e := range entries {
		appendEntry(l, e)
	}
	end, err := l.Write()
	must(t, err)
	return log.Group{Entries: entries, End: end}
}

// readFrom reads what there is; the entries are copied.
func readFrom(l *log.Log, from log.Position) ([]log.Group, error) {
	var out []log.Group
	err := l.Read(from, func(g log.Group) (bool, error) {
		entries := make([]log.Entry, 0, len(g.Entries))
		for _, e := range g.Entries {
			entries = append(entries, log.Entry{Dot: e.Dot, Bytes: bytes.Clone(e.Bytes)})
		}
		out = append(out, log.Group{Entries: entries, End: g.End})
		return true, nil
	})
	return out, err
}

// holds fails unless the log has exactly these groups.
func holds(t testing.TB, l *log.Log, want []log.Group) {
	t.Helper()
	got, err := readFrom(l, 0)
	must(t, err)
	if len(got) != len(want) {
		t.Fatalf("the log has %d groups, want %d", len(got), len(want))
	}
	for i, g := range got {
		if !same(g, want[i]) {
			t.Fatalf("group %d: %s", i, cmp.Diff(g, want[i]))
		}
	}
}

func same(a, b log.Group) bool {
	if a.End != b.End || len(a.Entries) != len(b.Entries) {
		return false
	}
	for i, e := range a.Entries {
		if e.Dot != b.Entries[i].Dot || !bytes.Equal(e.Bytes, b.Entries[i].Bytes) {
			return false
		}
	}
	return true
}

func TestWriteReadReopen(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := open(t, fs, 0)
	if p, err := l.Write(); p != 0 || err != nil {
		t.Fatalf("an empty group: %v, %v", p, err)
	}
	groups := []log.Group{
		write(t, l, entry(1, 1, 100), entry(2, 1, 40), entry(0, 0, 10), entry(1, 2, 0), entry(1, 3, 31)),
		write(t, l, entry(0, 0, 0)),
		write(t, l, entry(2, 2, 100_000), entry(2, 3, 5000), entry(0, 0, 4095), entry(1, 4, 4096), entry(1, 5, 40_000)),
	}
	holds(t, l, groups)
	if l.Synced() != 0 || l.End() != groups[2].End {
		t.Errorf("synced %v, end %v", l.Synced(), l.End())
	}
	p, err := l.Sync()
	must(t, err)
	if p != groups[2].End || l.Synced() != p {
		t.Errorf("synced %v, want %v", p, groups[2].End)
	}
	if want := logical.FrontierOf(logical.Dot{Origin: 1, Seq: 5}, logical.Dot{Origin: 2, Seq: 3}); l.Frontier().Compare(want) != logical.Equal || l.Last(2) != 3 || l.Last(3) != 0 {
		t.Errorf("frontier %s", l.Frontier())
	}
	from, err := readFrom(l, groups[0].End)
	must(t, err)
	if len(from) != 2 || !same(from[0], groups[1]) {
		t.Errorf("from the end of the first group: %d groups", len(from))
	}
	must(t, l.Close())

	for _, o := range []log.Options{{FS: fs, Dir: dir}, {FS: fs, Dir: dir, ReadOnly: true}, {FS: fs, Dir: dir}} {
		l, err := log.Open(o)
		must(t, err)
		holds(t, l, groups)
		findAll(t, l, groups)
		must(t, l.Check(func() bool { return true }))
		must(t, l.Close())
	}
	l = open(t, fs, 0)
	groups = append(groups, write(t, l, entry(1, 6, 7)))
	holds(t, l, groups)
	must(t, l.Close())
}

// findAll finds every op of the groups, and no other.
func findAll(t testing.TB, l *log.Log, groups []log.Group) {
	t.Helper()
	all := map[logical.Origin][][]byte{}
	for _, g := range groups {
		for _, e := range g.Entries {
			if e.Dot.IsZero() {
				continue
			}
			all[e.Dot.Origin] = append(all[e.Dot.Origin], e.Bytes)
			found, err := l.Op(e.Dot, func(b []byte) error {
				if !bytes.Equal(b, e.Bytes) {
					t.Errorf("%s has other bytes", e.Dot)
				}
				return nil
			})
			if !found || err != nil {
				t.Fatalf("%s: found %v, %v", e.Dot, found, err)
			}
		}
	}
	for o, ops := range all {
		if found, err := l.Op(logical.Dot{Origin: o, Seq: logical.Seq(len(ops) + 1)}, nil); found || err != nil {
			t.Errorf("behind the last of %s: %v, %v", o, found, err)
		}
		from := logical.Seq(len(ops)/2 + 1)
		next := from
		must(t, l.Ops(o, from, func(seq logical.Seq, b []byte) (bool, error) {
			if seq != next || !bytes.Equal(b, ops[seq-1]) {
				t.Errorf("operation %d of %s: got %d", next, o, seq)
			}
			next++
			return true, nil
		}))
		if next != logical.Seq(len(ops)+1) {
			t.Errorf("operations of %s end before %d of %d", o, next, len(ops))
		}
	}
}

func TestSegments(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := open(t, fs, 1000)
	var groups []log.Group
	for n := range logical.Seq(100) {
		groups = append(groups, write(t, l, entry(1, n+1, 50), entry(logical.Origin(2+n), 1, 50)))
		if n%10 == 0 {
			_, err := l.Sync()
			must(t, err)
		}
	}
	if n := l.End() >> 32; n < 10 {
		t.Fatalf("only %d segments", n)
	}
	for range 2 {
		holds(t, l, groups)
		findAll(t, l, groups)
		must(t, l.Check(func() bool { return true }))
		size := l.Size()
		must(t, l.Close())
		l = open(t, fs, 1000)
		if l.Size() < size {
			t.Errorf("%d bytes, and before closing %d", l.Size(), size)
		}
	}
	must(t, l.Close())
}

// TestRefuses: an op that is not the next of its origin costs its group and nothing else.
func TestRefuses(t *testing.T) {
	l := open(t, vfs.NewMem(), 0)
	groups := []log.Group{write(t, l, entry(1, 1, 10))}
	for _, bad := range []logical.Dot{{Origin: 1, Seq: 1}, {Origin: 1, Seq: 2}, {Origin: 1, Seq: 4}, {Origin: 2, Seq: 2}, {Seq: 1}, {Origin: 1}, {}} {
		appendEntry(l, entry(1, 2, 10))
		l.AppendRaw(bad, nil)
		l.AppendRaw(logical.Dot{Origin: 1, Seq: 3}, nil)
		if p, err := l.Write(); err == nil || p != groups[0].End {
			t.Errorf("%s was taken, %v", bad, p)
		}
	}
	appendEntry(l, entry(1, 2, 10))
	if l.GroupBytes() == 0 {
		t.Error("a group of no bytes")
	}
	l.Abandon()
	groups = append(groups, write(t, l, entry(1, 2, 20)))
	holds(t, l, groups)
	for _, p := range []log.Position{1, groups[0].End + 1, groups[1].End + 1, 2 << 32, 7<<32 + 100} {
		if _, err := readFrom(l, p); err == nil {
			t.Errorf("reading from %s is possible", p)
		}
	}
	if _, err := readFrom(l, groups[1].End+1); !errors.Is(err, log.ErrPosition) {
		t.Error("a position behind the end is not named as that")
	}
	must(t, l.Close())
	if _, err := log.Open(log.Options{Dir: dir}); err == nil {
		t.Error("no filesystem, no error")
	}
	if _, err := log.Open(log.Options{FS: vfs.NewMem(), Dir: dir, ReadOnly: true}); err == nil {
		t.Error("no directory, no error")
	}
}

// TestReadOnly: nothing is written.
func TestReadOnly(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs, 0)
	groups := []log.Group{write(t, l, entry(1, 1, 10)), write(t, l, entry(1, 2, 10))}
	files := copyFiles(t, fs)
	must(t, l.Close())
	name := "00000001.log"
	files[name] = files[name][:len(files[name])-3]
	torn := restore(t, files)
	l, err := log.Open(log.Options{FS: torn, Dir: dir, ReadOnly: true})
	must(t, err)
	holds(t, l, groups[:1])
	findAll(t, l, groups[:1])
	l.AppendNote([]byte("note"))
	if _, err := l.Write(); err == nil {
		t.Error("it was written to")
	}
	if p, err := l.Sync(); err != nil || p != groups[0].End {
		t.Errorf("%v, %v", p, err)
	}
	must(t, l.Close())
	if after := copyFiles(t, torn); !bytes.Equal(after[name], files[name]) {
		t.Error("the file was changed")
	}
}

// TestNothingStaysOpen: after Close, and after an Open that failed, no file is open.
func TestNothingStaysOpen(t *testing.T) {
	_, files := threeSegments(t)
	damaged := maps.Clone(files)
	damaged[name(3)] = bytes.Clone(files[name(3)])
	damaged[name(3)][60] ^= 1
	for what, files := range map[string]map[string][]byte{"new": {}, "old": files, "damaged": damaged} {
		fs := restore(t, files)
		l, err := log.Open(log.Options{FS: fs, Dir: dir, SegmentBytes: 500})
		if (err != nil) != (what == "damaged") {
			t.Fatalf("%s: %v", what, err)
		}
		if err == nil {
			for range 9 {
				write(t, l, entry(1, l.Last(1)+1, 150))
			}
			_, err := readFrom(l, 0)
			must(t, errors.Join(err, l.Close()))
		}
		fs.UseWindowsSemantics(true) // a file that is open cannot be removed
		for name := range copyFiles(t, fs) {
			if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
				t.Errorf("%s: %s: %v", what, name, err)
			}
		}
	}
}

// copyFiles is the content of each file of the log.
func copyFiles(t testing.TB, fs vfs.FS) map[string][]byte {
	t.Helper()
	names, err := fs.List(dir)
	must(t, err)
	out := map[string][]byte{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin(dir, name))
		must(t, err)
		info, err := f.Stat()
		must(t, err)
		b := make([]byte, info.Size())
		if len(b) > 0 {
			_, err = f.ReadAt(b, 0)
			must(t, err)
		}
		must(t, f.Close())
		out[name] = b
	}
	return out
}

// restore is a filesystem with these files.
func restore(t testing.TB, files map[string][]byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	must(t, fs.MkdirAll(dir, 0o755))
	for name, b := range files {
		f, err := fs.Create(fs.PathJoin(dir, name), vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = f.Write(bytes.Clone(b))
		must(t, err)
		must(t, errors.Join(f.Sync(), f.Close()))
	}
	for _, d := range []string{dir, "leader", "/"} {
		f, err := fs.OpenDir(d)
		must(t, err)
		must(t, errors.Join(f.Sync(), f.Close()))
	}
	return fs
}

// name is a segment's file.
func name(number int) string { return fmt.Sprintf("%08d.log", number) }
