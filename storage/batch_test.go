package storage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/storage/disk"
	"kvd/storage/losses/lossestest"
)

// TestOwnership: neither what was put nor what was read is the store's.
func TestOwnership(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	op, o := firstOp(), codectest.TypicalObject()
	b := s.NewBatch()
	b.PutOp(op)
	b.PutObject(o)
	clear(op.Value)
	op.Value[0], op.Parents[0].Seq, o.Versions[0].Mask, o.Versions[0].Value[0] = 1, 1, 0, 1
	must(t, b.Commit())
	must(t, b.Close())
	for range 2 {
		got, _, err := s.Op(firstOp().Dot)
		same(t, "op", got, firstOp(), true, err)
		read, err := s.Object(o.Key)
		same(t, "object", read, codectest.TypicalObject(), true, err)
		got.Value[0], got.Parents[0].Seq = 2, 2
		got.Deps.Advance(logical.Dot{Origin: got.Dot.Origin, Seq: 1 << 40})
		read.Versions[0].Value[0], read.Versions[0].Dot.Seq = 2, 2
	}
}

// TestRefused: what cannot be encoded fails the whole batch, stores nothing, and
// leaves batch and store usable.
func TestRefused(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	for name, put := range map[string]func(*storage.Batch){
		"no dot":    func(b *storage.Batch) { o := codectest.TypicalOp(); o.Dot = logical.Dot{}; b.PutOp(o) },
		"no kind":   func(b *storage.Batch) { o := codectest.TypicalOp(); o.Kind = 0; b.PutOp(o) },
		"long key":  func(b *storage.Batch) { o := codectest.TypicalOp(); o.Key = string(make([]byte, 65537)); b.PutOp(o) },
		"backwards": func(b *storage.Batch) { o := codectest.TypicalOp(); o.Wall.Latest = 0; b.PutOp(o) },
		"no parent": func(b *storage.Batch) { o := codectest.TypicalOp(); o.Parents[0].Seq = 0; b.PutOp(o) },
		"twice": func(b *storage.Batch) {
			o := codectest.TypicalObject()
			o.Versions = append(o.Versions, o.Versions[0])
			b.PutObject(o)
		},
		"no loser":    func(b *storage.Batch) { r := lossestest.TypicalRow(); r.Loser = logical.Dot{}; b.PutRow(r) },
		"no relation": func(b *storage.Batch) { r := lossestest.TypicalRow(); r.Verdicts[0].Relation = 0; b.PutRow(r) },
		"no place":    func(b *storage.Batch) { r := lossestest.TypicalRow(); r.Position = 0; b.PutRow(r) },
		"nobody":      func(b *storage.Batch) { r := lossestest.TypicalRow(); r.Verdicts = nil; b.PutRow(r) },
		"two verdicts": func(b *storage.Batch) {
			r := lossestest.TypicalRow()
			r.Verdicts[1].Resolvers |= r.Verdicts[0].Resolvers
			b.PutRow(r)
		},
		"out of order": func(b *storage.Batch) { r := lossestest.TypicalRow(); slices.Reverse(r.Verdicts); b.PutRow(r) },
		"one twice": func(b *storage.Batch) {
			r := lossestest.TypicalRow()
			r.Verdicts[1].Relation = resolve.Inverted
			b.PutRow(r)
		},
		"more kept": func(b *storage.Batch) { r := lossestest.TypicalRow(); r.Evidence.Size = 1; b.PutRow(r) },
	} {
		b := s.NewBatch()
		empty := b.Size()
		b.PutState(storage.State{Lamport: 1})
		put(b)
		b.PutRequest(1, 1, logical.Dot{Origin: 1, Seq: 1})
		if b.Size() == empty {
			t.Errorf("%s: the batch is empty", name)
		}
		if err := b.Commit(); err == nil {
			t.Errorf("%s: stored", name)
		}
		if b.Size() != empty {
			t.Errorf("%s: the batch is not empty after Commit", name)
		}
		must(t, b.Commit())
		must(t, b.Close())
	}
	if _, found, err := s.State(); found || err != nil {
		t.Errorf("part of a refused batch is stored: %v, %v", found, err)
	}
}

// TestGapsAreRefused: an op that is not the next of its origin stops the store, and
// nothing of its batch is stored.
func TestGapsAreRefused(t *testing.T) {
	for _, seqs := range [][]logical.Seq{{3}, {2, 4}, {1}, {2, 2}} {
		fs := vfs.NewMem()
		s := open(t, small(fs))
		b := s.NewBatch()
		step(b, 1)
		must(t, b.Commit())
		for _, n := range seqs {
			step(b, n)
		}
		if err := b.Commit(); err == nil || !strings.Contains(err.Error(), "next operation of its origin is") {
			t.Errorf("ops %d after the first: %v", seqs, err)
		}
		step(b, 2)
		if err := b.Commit(); !errors.Is(err, disk.ErrStopped) {
			t.Errorf("a commit after ops %d: %v", seqs, err)
		}
		must(t, b.Close())
		_ = s.Close() // it says so again
		if n := agree(t, open(t, small(fs))); n != 1 {
			t.Errorf("with ops %d after the first, %d are stored", seqs, n)
		}
	}
}

// TestBatchReuse: a batch is empty after Commit and after Reset, and a later put
// of the same thing replaces the earlier.
func TestBatchReuse(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	b := s.NewBatch()
	empty := b.Size()
	b.PutState(storage.State{Lamport: 9})
	b.Reset()
	if b.Size() != empty {
		t.Error("not empty after Reset")
	}
	must(t, b.Commit())
	if _, found, _ := s.State(); found {
		t.Error("what was reset is stored")
	}
	for n := range 3 {
		b.PutState(storage.State{Lamport: 100})
		b.PutState(storage.State{Lamport: logical.Lamport(n)})
		must(t, b.Commit())
		if st, _, _ := s.State(); st.Lamport != logical.Lamport(n) {
			t.Errorf("Lamport %d after %d was put", st.Lamport, n)
		}
	}
	must(t, b.Close())
}

func TestValidate(t *testing.T) {
	good := small(vfs.NewMem())
	must(t, good.Validate())
	for name, change := range map[string]func(*storage.Options){
		"no directory":   func(o *storage.Options) { o.Dir = "" },
		"unknown sync":   func(o *storage.Options) { o.Sync = 9 },
		"backwards":      func(o *storage.Options) { o.Interval = -1 },
		"negative cache": func(o *storage.Options) { o.Cache = -1 },
		"tiny memtable":  func(o *storage.Options) { o.MemTable = 100 },
		"monster":        func(o *storage.Options) { o.MemTable = 1 << 31 },
	} {
		o := good
		change(&o)
		if o.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, y := range []storage.Sync{storage.SyncAlways, storage.SyncInterval, storage.SyncNever} {
		if got, err := storage.ParseSync(y.String()); got != y || err != nil {
			t.Errorf("%s: parsed as %s, %v", y, got, err)
		}
	}
}
