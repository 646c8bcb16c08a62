package storage_test

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
)

// contentOf is a write of so many bytes under a dot of the test's origin.
func contentOf(seq logical.Seq, size int) *resolve.Op {
	op := &resolve.Op{Dot: logical.Dot{Origin: ownOrigin, Seq: seq}, Key: "x", Kind: resolve.Put, Value: bytes.Repeat([]byte{byte(size)}, size), Lamport: logical.Lamport(seq)}
	if seq > 1 {
		op.Deps = logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: seq - 1})
	}
	return op
}

func dotAt(seq logical.Seq) logical.Dot { return logical.Dot{Origin: ownOrigin, Seq: seq} }

// conflictsAre fails unless so many dots have two contents, are open, and were omitted.
func conflictsAre(t *testing.T, s *storage.Store, dots, open, omitted int64) {
	t.Helper()
	got, err := s.ConflictStats()
	if err != nil || got.Dots != dots || got.Open != open || got.Omitted != omitted || got.Bytes < 0 || (got.Bytes == 0) != (dots == 0) {
		t.Errorf("%+v, %v; want %d dots, %d open, %d omitted", got, err, dots, open, omitted)
	}
}

// Conflicts are counted as they are found and settled, in whatever order and however
// often either is heard of, within a batch and across batches and starts.
func TestConflictsAreCountedAsTheyCome(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, tiny(fs))
	commit(t, s, func(b *storage.Batch) {
		b.PutConflict(contentOf(1, 10))
		b.PutConflict(contentOf(1, 10))
		b.PutConflict(contentOf(1, 11))
		b.PutConflict(contentOf(2, 10))
		b.PutSettled(dotAt(2), dotAt(90))
		b.PutSettled(dotAt(3), dotAt(91)) // heard of before its contents are
	})
	conflictsAre(t, s, 2, 1, 0)
	commit(t, s, func(b *storage.Batch) {
		b.PutConflict(contentOf(3, 10))
		b.PutConflict(contentOf(4, 10))
		b.PutConflict(contentOf(1, 10))
		b.PutSettled(dotAt(2), dotAt(92))
	})
	conflictsAre(t, s, 4, 2, 0)
	must(t, s.Close())
	s = open(t, tiny(fs))
	conflictsAre(t, s, 4, 2, 0)
	commit(t, s, func(b *storage.Batch) { b.PutSettled(dotAt(1), dotAt(93)) })
	conflictsAre(t, s, 4, 1, 0)
	if by, settled, err := s.SettledBy(dotAt(2)); by != dotAt(90) || !settled || err != nil {
		t.Errorf("settled by %s, %v, %v", by, settled, err)
	}
	var rest []logical.Seq
	must(t, s.Conflicts(dotAt(1), func(op *resolve.Op) bool {
		rest = append(rest, op.Dot.Seq)
		return len(rest) < 2
	}))
	if len(rest) != 2 || rest[0] != 2 || rest[1] != 3 {
		t.Errorf("after the first come %v", rest)
	}
	if ops, err := s.ConflictsOf(dotAt(1)); len(ops) != 2 || err != nil {
		t.Errorf("%d contents, %v", len(ops), err)
	}
	if is, err := s.Contested(ownOrigin); !is || err != nil {
		t.Errorf("contested: %v, %v", is, err)
	}
	if is, err := s.Contested(ownOrigin + 1); is || err != nil {
		t.Errorf("another is contested: %v, %v", is, err)
	}
	must(t, s.Close())
}

// What is kept is bounded: contents of settled dots are dropped first, and what does not fit
// is counted, until it can be found again.
func TestConflictsAreBoundedInBytes(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, tiny(fs))
	const size = storage.MaxConflictBytes/8 - 100
	put := func(seq logical.Seq) {
		commit(t, s, func(b *storage.Batch) { b.PutConflict(contentOf(seq, size)) })
	}
	for seq := range logical.Seq(8) {
		put(seq + 1)
	}
	conflictsAre(t, s, 8, 8, 0)
	put(9)
	conflictsAre(t, s, 8, 8, 1)
	commit(t, s, func(b *storage.Batch) { b.PutSettled(dotAt(5), dotAt(90)) })
	conflictsAre(t, s, 8, 7, 1)
	put(9)
	conflictsAre(t, s, 8, 8, 1)
	if ops, err := s.ConflictsOf(dotAt(5)); len(ops) != 0 || err != nil {
		t.Errorf("the settled dot keeps %d contents, %v", len(ops), err)
	}
	put(5) // found again: it is settled, and drives nothing out
	conflictsAre(t, s, 8, 8, 1)
	commit(t, s, func(b *storage.Batch) {
		for seq := range logical.Seq(9) {
			b.PutSettled(dotAt(seq+1), dotAt(91))
		}
	})
	conflictsAre(t, s, 8, 0, 1)
	must(t, s.Close())
	s = open(t, tiny(fs))
	put(10)
	conflictsAre(t, s, 7, 1, 0)
	must(t, s.Close())
}

// A store that is salvaged keeps what others have under its dots, and what settles
// them.
func TestSalvageCarriesConflicts(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		fs := vfs.NewMem()
		s := open(t, tiny(fs))
		commit(t, s, func(b *storage.Batch) {
			for seq := range logical.Seq(20) {
				b.PutOp(contentOf(seq+1, 200))
				b.PutConflict(contentOf(seq+1, 300))
			}
			b.PutSettled(dotAt(2), dotAt(90))
		})
		must(t, s.Close())
		if flushed {
			must(t, open(t, tiny(fs)).Close())
		}
		o := tiny(fs)
		damaged := o.Dir
		o.Dir = "fresh"
		to := open(t, o)
		if _, err := storage.Salvage(fs, damaged, to); err != nil {
			t.Fatal(err)
		}
		conflictsAre(t, to, 20, 19, 0)
		if by, settled, err := to.SettledBy(dotAt(2)); by != dotAt(90) || !settled || err != nil {
			t.Errorf("settled by %s, %v, %v", by, settled, err)
		}
		must(t, to.Close())
	}
}

// A batch that is committed beside the one that puts a conflict, on another goroutine
// perhaps, neither counts it nor looks at the count.
func TestABatchLeavesTheConflictsOfOthersAlone(t *testing.T) {
	s := open(t, tiny(vfs.NewMem()))
	finds, other := s.NewBatch(), s.NewBatch()
	defer finds.Close()
	defer other.Close()
	finds.PutConflict(contentOf(1, 10))
	other.DropWaiting(logical.FrontierOf(dotAt(1)))
	must(t, other.Commit())
	conflictsAre(t, s, 0, 0, 0)
	finds.PutConflict(contentOf(1, 10)) // the same once more
	must(t, finds.Commit())
	conflictsAre(t, s, 1, 1, 0)
}
