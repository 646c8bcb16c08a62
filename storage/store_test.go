package storage_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/storage/losses"
	"kvd/storage/losses/lossestest"
)

// small is how a test or a simulation opens a store.
func small(fs vfs.FS) storage.Options {
	return storage.Options{FS: fs, Dir: "leader", Cache: 1 << 20, MemTable: 256 << 10}
}

func open(t testing.TB, o storage.Options) *storage.Store {
	t.Helper()
	s, err := storage.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// commit stores what put puts.
func commit(t testing.TB, s *storage.Store, put func(*storage.Batch)) {
	t.Helper()
	b := s.NewBatch()
	put(b)
	must(t, b.Commit())
	must(t, b.Close())
}

// firstOp is a typical op, as the first of its origin.
func firstOp() *resolve.Op {
	op := codectest.TypicalOp()
	op.Dot.Seq = 1
	return op
}

// TestReadBack: everything that is put is found, before and after the store is
// opened again, and what was never put is absent.
func TestReadBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		fs := vfs.NewMem()
		s, err := storage.Open(small(fs))
		must(t, err)
		op, o, st := codectest.Op(r), codectest.Object(r), state(r)
		op.Dot.Seq = 1 // a log begins with it
		ls := rapid.SliceOfNDistinct(rapid.Custom(lossestest.Row), 0, 4, (*losses.Row).ID).Draw(r, "rows")
		for i := range ls {
			ls[i].Position = uint64(i + 1)
		}
		h := lossestest.Stats(r)
		commit(t, s, func(b *storage.Batch) {
			b.PutOp(op)
			b.PutObject(o)
			b.PutState(st)
			b.PutRequest(1, 2, op.Dot)
			for _, l := range ls {
				b.PutRow(l)
				b.PutPosition(l.ID(), l.Position)
			}
			b.PutLedgerStats(&h)
		})
		for range 2 {
			found(t, s, op, o, st)
			ledgered(t, s, ls, h)
			must(t, s.Close())
			s, err = storage.Open(small(fs))
			must(t, err)
		}
		must(t, s.Close())
	})
}

func found(t *testing.T, s *storage.Store, op *resolve.Op, o *resolve.Object, st storage.State) {
	t.Helper()
	gotOp, ok, err := s.Op(op.Dot)
	same(t, "op", gotOp, op, ok, err)
	gotObject, err := s.Object(o.Key)
	same(t, "object", gotObject, o, true, err)
	gotState, ok, err := s.State()
	same(t, "state", gotState, st, ok, err)
	d, ok, err := s.Request(1, 2)
	same(t, "request", d, op.Dot, ok, err)
}

func same[T any](t *testing.T, what string, got, want T, ok bool, err error) {
	t.Helper()
	if err != nil || !ok || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: found %v, error %v\n got %+v\nwant %+v", what, ok, err, got, want)
	}
}

// TestBriefOp: the begin of a long value costs no more memory than it is long, once there
// are buffers to read into.
func TestBriefOp(t *testing.T) {
	o := small(vfs.NewMem())
	o.MemTable = 64 << 20 // reading from a file allocates its blocks
	s := open(t, o)
	op := firstOp()
	op.Value = make([]byte, 100<<10)
	op.Value[999], op.Value[1000] = 1, 2
	commit(t, s, func(b *storage.Batch) { b.PutOp(op) })
	var got *resolve.Op
	var size int
	var ok bool
	var err error
	n := uint64(math.MaxUint64)
	for range 10 { // the garbage collector may take a buffer away
		n = min(n, codectest.Allocated(func() { got, size, ok, err = s.BriefOp(op.Dot, 1000) }))
	}
	want := *op
	want.Value = op.Value[:1000]
	same(t, "the begin of it", got, &want, ok, err)
	if size != 100<<10 || n > 20<<10 {
		t.Errorf("the value has %d bytes; %d were allocated", size, n)
	}
	got, size, ok, err = s.BriefOp(op.Dot, 1<<21)
	same(t, "all of it", got, op, ok, err)
	if size != 100<<10 {
		t.Errorf("the value has %d bytes", size)
	}
	if _, _, ok, err := s.BriefOp(logical.Dot{Origin: 1, Seq: 1}, 1); ok || err != nil {
		t.Errorf("an op that is not there is found: %v, %v", ok, err)
	}
}

// TestFresh: an empty store knows nothing, and says so without an error.
func TestFresh(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	d := logical.Dot{Origin: 1, Seq: 1}
	_, op, err := s.Op(d)
	must(t, err)
	_, state, err := s.State()
	must(t, err)
	_, request, err := s.Request(1, 1)
	must(t, err)
	duplicates, err := s.Duplicates(d)
	must(t, err)
	_, lost, err := s.RowOf("k", d)
	must(t, err)
	o, err := s.Object("k")
	must(t, err)
	if op || state || request || duplicates != nil || lost || o.Key != "k" || o.Versions != nil || o.Duplicates {
		t.Errorf("op %v, state %v, request %v, duplicates %v, lost %v, object %+v", op, state, request, duplicates, lost, o)
	}
}

// TestObjectsInOrder: objects come by key, an emptied one not at all, one that
// has only duplicates does.
func TestObjectsInOrder(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	keys := []string{"b", "a\x00", "", "a", "\xff\xff", "a\x00b", "ab"}
	commit(t, s, func(b *storage.Batch) {
		for _, k := range append(keys, "gone") {
			o := codectest.TypicalObject()
			o.Key = k
			b.PutObject(o)
		}
		b.PutObject(&resolve.Object{Key: "gone"})
		b.PutObject(&resolve.Object{Key: "b", Duplicates: true})
	})
	var got []string
	must(t, s.Objects(func(o *resolve.Object) bool { got = append(got, o.Key); return true }))
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("got %q, want %q", got, keys)
	}
	n := 0
	must(t, s.Objects(func(*resolve.Object) bool { n++; return n < 2 }))
	if n != 2 {
		t.Errorf("%d objects after the second was answered with false", n)
	}
}

// TestOpsBounds: a page ends at its bounds, has at least one op, and stays within
// its origin.
func TestOpsBounds(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	commit(t, s, func(b *storage.Batch) {
		for _, origin := range []logical.Origin{ownOrigin - 1, ownOrigin, ownOrigin + 1} {
			for n := range logical.Seq(5) {
				op := codectest.TypicalOp()
				op.Dot = logical.Dot{Origin: origin, Seq: n + 1}
				b.PutOp(op)
			}
		}
	})
	one := codectest.TypicalOp().Size()
	for _, c := range []struct {
		from            logical.Seq
		maxOps, maxSize int
		want            []logical.Seq
	}{
		{1, 100, 1 << 20, []logical.Seq{1, 2, 3, 4, 5}},
		{4, 100, 1 << 20, []logical.Seq{4, 5}},
		{6, 100, 1 << 20, nil},
		{2, 2, 1 << 20, []logical.Seq{2, 3}},
		{2, 100, 2 * one, []logical.Seq{2, 3}},
		{2, 100, 2*one - 1, []logical.Seq{2}},
		{2, 100, 0, []logical.Seq{2}},
	} {
		ops, err := s.Ops(ownOrigin, c.from, c.maxOps, c.maxSize)
		must(t, err)
		var got []logical.Seq
		for _, op := range ops {
			if op.Dot.Origin != ownOrigin {
				t.Fatalf("an op of %s", op.Dot.Origin)
			}
			got = append(got, op.Dot.Seq)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// TestDigest: equal objects, however they got there, give equal digests; a
// difference in one byte does not.
func TestDigest(t *testing.T) {
	one, two := open(t, small(vfs.NewMem())), open(t, small(vfs.NewMem()))
	put := func(s *storage.Store, keys ...string) {
		for _, k := range keys {
			o := codectest.TypicalObject()
			o.Key = k
			commit(t, s, func(b *storage.Batch) { b.PutObject(o) })
		}
	}
	put(one, "a", "b", "c")
	put(two, "c", "b", "x", "a")
	if digest(t, one) == digest(t, two) {
		t.Error("three objects and four have one digest")
	}
	commit(t, two, func(b *storage.Batch) { b.PutObject(&resolve.Object{Key: "x"}) })
	if digest(t, one) != digest(t, two) {
		t.Error("equal objects have two digests")
	}
	o := codectest.TypicalObject()
	o.Key, o.Versions[0].Mask = "b", 1
	commit(t, two, func(b *storage.Batch) { b.PutObject(o) })
	if digest(t, one) == digest(t, two) {
		t.Error("another mask has the same digest")
	}
}

func digest(t *testing.T, s *storage.Store) uint64 {
	t.Helper()
	d, err := s.Digest()
	must(t, err)
	return d
}

// TestMetadataBytes holds storage to the goal of 45 bytes a key with all
// shadows.
func TestMetadataBytes(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	commit(t, s, func(b *storage.Batch) {
		for n := range 1000 {
			o := codectest.TypicalObject()
			o.Key = fmt.Sprintf("key%d", n)
			b.PutObject(o)
		}
	})
	objects, bytes, err := s.MetadataBytes()
	must(t, err)
	t.Logf("%d bytes for %d objects", bytes, objects)
	if objects != 1000 || bytes > 45*1000 || bytes < 20*1000 {
		t.Errorf("%d bytes for %d objects", bytes, objects)
	}
}
