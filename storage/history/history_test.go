package history_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/history"
	"kvd/wallclock"
)

func header() history.Header {
	return history.Header{
		Cluster: "prod", Leader: "n1", At: 1_700_000_000_000_000_000, Prefix: "user:\xff",
		Policy: resolve.Policy{Default: resolve.Causal, Shadows: resolve.LWW.Mask() | resolve.Counter.Mask(),
			Rules: []resolve.Rule{{Prefix: "", Resolver: resolve.Siblings}, {Prefix: "views:", Resolver: resolve.Counter}}},
		UpTo:  logical.FrontierOf(logical.Dot{Origin: 7, Seq: 3}, logical.Dot{Origin: 1 << 63, Seq: 1 << 40}),
		Names: []history.Name{{Origin: 7, Leader: "n1"}, {Origin: 1 << 63, Leader: "n2"}},
	}
}

// some is n ops of two origins.
func some(n int) []*resolve.Op {
	var ops []*resolve.Op
	for i := range n {
		d := logical.Dot{Origin: logical.Origin(7 + i%2), Seq: logical.Seq(i/2 + 1)}
		op := &resolve.Op{Dot: d, Key: "user:\xff" + string(rune('a'+i%5)), Kind: resolve.Put, Value: bytes.Repeat([]byte{byte(i)}, i%7),
			Wall: wallclock.Around(wallclock.Instant(1000+i), 5), HLC: logical.HLC{Wall: int64(1000 + i)}, Lamport: logical.Lamport(i + 1),
			Deps: logical.FrontierOf(logical.Dot{Origin: d.Origin, Seq: d.Seq - 1})}
		if i >= 2 {
			op.Parents = []logical.Dot{ops[i-2].Dot}
		}
		ops = append(ops, op)
	}
	return ops
}

func write(t testing.TB, fs vfs.FS, h history.Header, ops []*resolve.Op) []byte {
	t.Helper()
	w, err := history.Create(history.Options{FS: fs, Path: "h", Force: true}, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		if err := w.Put(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	text := read(t, fs, "h")
	if int64(len(text)) != w.Bytes() || w.Ops() != len(ops) {
		t.Fatalf("%d bytes are there, %d were said; %d ops were said", len(text), w.Bytes(), w.Ops())
	}
	return text
}

func read(t testing.TB, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// put makes a file of bytes.
func put(t testing.TB, fs vfs.FS, path string, text []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func names(t testing.TB, fs vfs.FS) []string {
	t.Helper()
	all, err := fs.List("")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	fs, ops := vfs.NewMem(), some(500)
	text := write(t, fs, header(), ops)
	f, err := history.Open(history.Options{FS: fs, Path: "h"})
	if err != nil {
		t.Fatal(err)
	}
	want := header()
	if !reflect.DeepEqual(f.Header, want) || f.Ops != len(ops) || !f.Whole {
		t.Errorf("%+v, %d ops, whole: %t; want %+v", f.Header, f.Ops, f.Whole, want)
	}
	for range 2 {
		if got := slices.Collect(f.All()); !reflect.DeepEqual(got, ops) || f.Err() != nil {
			t.Fatalf("%d ops, %v", len(got), f.Err())
		}
	}
	for range f.All() {
		break
	}
	if f.Err() != nil {
		t.Error(f.Err())
	}
	if again := write(t, fs, f.Header, slices.Collect(f.All())); !bytes.Equal(again, text) {
		t.Error("the same history is written in other bytes")
	}
}

// TestAStreamIsTheSameBytes as a file, and is not whole before its end.
func TestAStreamIsTheSameBytes(t *testing.T) {
	ops := some(30)
	file := write(t, vfs.NewMem(), header(), ops)
	var out bytes.Buffer
	w, err := history.Stream(&out, header())
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		if err := w.Put(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if err := w.Finish(); err != nil || !bytes.Equal(out.Bytes(), file) || int64(out.Len()) != w.Bytes() {
		t.Errorf("%d bytes, %v; the file has %d", out.Len(), err, len(file))
	}
	w, err = history.Stream(short{}, header())
	for i := 0; err == nil && i < 1e5; i++ {
		err = w.Put(ops[0])
	}
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("what takes nothing fails with %v", err)
	}
}

type short struct{}

func (short) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestNothingButAFileIsReplaced, whatever force says.
func TestNothingButAFileIsReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, os.DevNull} {
		if _, err := history.Create(history.Options{Path: path, Force: true}, header()); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestEveryCutIsNoticed: a file that lost its tail is told from a whole one
// wherever it was cut, and what is before the cut can be read.
func TestEveryCutIsNoticed(t *testing.T) {
	fs, ops := vfs.NewMem(), some(40)
	text := write(t, fs, header(), ops)
	one := len(write(t, fs, header(), ops[:1]))
	for n := range text {
		put(t, fs, "cut", text[:n])
		_, err := history.Open(history.Options{FS: fs, Path: "cut"})
		if err == nil {
			t.Fatalf("cut at %d of %d it passes for whole", n, len(text))
		}
		f, partial := history.Open(history.Options{FS: fs, Path: "cut", Partial: true})
		if partial != nil && n > one {
			t.Fatalf("cut at %d: %v", n, partial)
		}
		if partial != nil {
			continue
		}
		d, ok := errors.AsType[*history.Damaged](err)
		if !ok || d.Readable != f.Ops || f.Whole || !strings.Contains(err.Error(), "too early") {
			t.Fatalf("cut at %d: %v, %d ops", n, err, f.Ops)
		}
		if got := slices.Collect(f.All()); len(got) != f.Ops || f.Err() != nil || !reflect.DeepEqual(got, ops[:len(got)]) && len(got) > 0 {
			t.Fatalf("cut at %d: %d ops of %d, %v", n, len(got), f.Ops, f.Err())
		}
	}
}

// TestEveryFlippedBitIsNoticed: no damage is taken for history.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	fs := vfs.NewMem()
	text := write(t, fs, header(), some(6))
	for i := range text {
		for bit := range 8 {
			bad := slices.Clone(text)
			bad[i] ^= 1 << bit
			put(t, fs, "bad", bad)
			if _, err := history.Open(history.Options{FS: fs, Path: "bad"}); err == nil {
				t.Fatalf("bit %d of byte %d may change", bit, i)
			}
		}
	}
}

// TestFramesStayInTheirPlaces: frames that are whole in themselves are not a
// history when one is missing, twice there, or elsewhere.
func TestFramesStayInTheirPlaces(t *testing.T) {
	fs := vfs.NewMem()
	sizes := []int{}
	for n := range 4 {
		sizes = append(sizes, len(write(t, fs, header(), some(n))))
	}
	text := write(t, fs, header(), some(3))
	const end = 9 + 16
	cut := func(n int) []byte { return text[sizes[n]-end : sizes[n+1]-end] } // the n-th op's frame
	head, tail := text[:sizes[0]-end], text[sizes[3]-end:]
	for what, parts := range map[string][][]byte{
		"one missing":         {head, cut(0), cut(2), tail},
		"one twice":           {head, cut(0), cut(1), cut(1), cut(2), tail},
		"two exchanged":       {head, cut(1), cut(0), cut(2), tail},
		"one replaced":        {head, cut(0), cut(0), cut(2), tail},
		"more after the end":  {text, {0}},
		"a second header":     {head, head[8:], cut(0), cut(1), cut(2), tail},
		"no header":           {text[:8], cut(0), tail},
		"another layout":      {[]byte("KVDHIST2"), text[8:]},
		"something else":      {[]byte("%PDF-1.4"), text[8:]},
		"a frame of no kind":  {head, {0, 0, 0, 0, 'X', 0, 0, 0, 0}, tail},
		"a frame beyond all":  {head, {255, 255, 255, 255, 'O', 0, 0, 0, 0}, tail},
		"nothing in the file": {},
		"one op too many":     {text[:len(text)-16-4], recount(tail, 4)},
	} {
		put(t, fs, "bad", slices.Concat(parts...))
		if _, err := history.Open(history.Options{FS: fs, Path: "bad"}); err == nil {
			t.Errorf("%s: it passes for whole", what)
		}
	}
	put(t, fs, "good", slices.Concat(head, cut(0), cut(1), cut(2), tail))
	if _, err := history.Open(history.Options{FS: fs, Path: "good"}); err != nil {
		t.Error(err)
	}
}

// recount is what of an end frame follows its kind, with another count and a
// checksum that fits.
func recount(end []byte, ops uint64) []byte {
	body := binary.BigEndian.AppendUint64(nil, ops)
	body = append(body, end[9+8:]...)
	sum := crc32.Checksum(append([]byte{'E'}, body...), crc32.MakeTable(crc32.Castagnoli))
	return append(binary.BigEndian.AppendUint32(nil, sum), body...)
}

// TestNothingIsOverwrittenUnasked: also when the name is taken while the file is
// written.
func TestNothingIsOverwrittenUnasked(t *testing.T) {
	fs := vfs.NewMem()
	put(t, fs, "h", []byte("mine"))
	if _, err := history.Create(history.Options{FS: fs, Path: "h"}, header()); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	w, err := history.Create(history.Options{FS: fs, Path: "new"}, header())
	if err != nil {
		t.Fatal(err)
	}
	put(t, fs, "new", []byte("mine"))
	if err := w.Finish(); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	if got := names(t, fs); !slices.Equal(got, []string{"h", "new"}) || string(read(t, fs, "new")) != "mine" {
		t.Errorf("left are %v", got)
	}
	write(t, fs, header(), nil) // with Force
}

func TestAbortLeavesNothing(t *testing.T) {
	fs := vfs.NewMem()
	w, err := history.Create(history.Options{FS: fs, Path: "h"}, header())
	if err != nil || len(names(t, fs)) != 1 {
		t.Fatal(names(t, fs), err)
	}
	for range 2 {
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, fs); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
	w, err = history.Create(history.Options{FS: fs, Path: "h"}, header())
	if err := errors.Join(err, w.Finish(), w.Abort()); err != nil || !slices.Equal(names(t, fs), []string{"h"}) {
		t.Errorf("%v, left are %v", err, names(t, fs))
	}
}

// TestAFullDiskIsSaid: whichever write it is that does not fit, the error says so
// and nothing is left behind.
func TestAFullDiskIsSaid(t *testing.T) {
	full := 0
	for after := range 24 {
		mem := vfs.NewMem()
		left := after
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpRemove {
				return nil
			}
			if left--; left >= 0 {
				return nil
			}
			return syscall.ENOSPC
		}))
		w, err := history.Create(history.Options{FS: fs, Path: "h"}, header())
		for _, op := range some(3000) {
			op.Value = make([]byte, 1000)
			if err == nil {
				if err = w.Put(op); err != nil {
					err = errors.Join(err, w.Abort())
				}
			}
		}
		if err == nil {
			err = w.Finish()
		}
		if err == nil {
			continue
		}
		full++
		whole, _ := history.Open(history.Options{FS: mem, Path: "h"})
		if !errors.Is(err, syscall.ENOSPC) || whole == nil && len(names(t, mem)) != 0 {
			t.Errorf("after %d writes: %v, left are %v", after, err, names(t, mem))
		}
	}
	if full < 4 || full == 24 {
		t.Errorf("of 24 disks %d were full", full)
	}
}

func TestFilesOfThisMachine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "week.history")
	w, err := history.Create(history.Options{Path: path}, header())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Put(some(1)[0]), w.Finish()); err != nil {
		t.Fatal(err)
	}
	f, err := history.Open(history.Options{Path: path})
	if err != nil || f.Ops != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := history.Open(history.Options{Path: path + "x"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestHeadersThatCannotBeRead(t *testing.T) {
	for what, change := range map[string]func(*history.Header){
		"an origin named twice": func(h *history.Header) { h.Names = append(h.Names, h.Names[0]) },
		"no origin":             func(h *history.Header) { h.Names[0].Origin = 0 },
		"a prefix twice":        func(h *history.Header) { h.Policy.Rules = append(h.Policy.Rules, h.Policy.Rules[0]) },
		"a word without end":    func(h *history.Header) { h.Cluster = strings.Repeat("x", 1<<20) },
	} {
		h, fs := header(), vfs.NewMem()
		change(&h)
		if _, err := history.Create(history.Options{FS: fs, Path: "h"}, h); err == nil || len(names(t, fs)) > 0 {
			t.Errorf("%s: error %v", what, err)
		}
	}
	w, err := history.Create(history.Options{FS: vfs.NewMem(), Path: "h"}, header())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put(&resolve.Op{}); err == nil {
		t.Error("an op of no origin is taken")
	}
}

// TestHeadersComeBack whatever names and prefixes are.
func TestHeadersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes")) })
		h := history.Header{Cluster: word.Draw(t, "cluster"), Leader: word.Draw(t, "leader"), Prefix: word.Draw(t, "prefix"),
			At: wallclock.Instant(rapid.Int64().Draw(t, "at"))}
		h.Policy.Default = resolve.ID(rapid.IntRange(0, len(resolve.IDs())-1).Draw(t, "default"))
		h.Policy.Shadows = resolve.Mask(rapid.Uint16().Draw(t, "shadows")) & resolve.All
		for _, o := range rapid.SliceOfNDistinct(rapid.Uint64Min(1), 0, 5, rapid.ID[uint64]).Draw(t, "origins") {
			h.Names = append(h.Names, history.Name{Origin: logical.Origin(o), Leader: word.Draw(t, "name")})
			h.UpTo.Advance(logical.Dot{Origin: logical.Origin(o), Seq: logical.Seq(rapid.Uint64Min(1).Draw(t, "seq"))})
			h.Policy.Rules = append(h.Policy.Rules, resolve.Rule{Prefix: string(rune(o % 0xd800)), Resolver: resolve.LWW})
		}
		if h.Policy.Validate() != nil {
			h.Policy.Rules = nil
		}
		fs := vfs.NewMem()
		w, err := history.Create(history.Options{FS: fs, Path: "h"}, h)
		if err == nil {
			err = w.Finish()
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := history.Open(history.Options{FS: fs, Path: "h"})
		if err != nil || !reflect.DeepEqual(f.Header, h) {
			t.Fatalf("%+v\n%+v\n%v", f, h, err)
		}
	})
}
