package storage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
)

// noise is bytes that no compression makes smaller.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// putWrite puts an op and the object that it makes.
func putWrite(b *storage.Batch, seq logical.Seq, key string, value []byte) *resolve.Op {
	op, object := codectest.TypicalOp(), codectest.TypicalObject()
	op.Dot, op.Key, op.Value = logical.Dot{Origin: ownOrigin, Seq: seq}, key, value
	object.Key, object.Versions[0].Dot, object.Versions[0].Value = key, op.Dot, value
	op.Parents, op.Deps = nil, logical.FrontierOf()
	if seq > 1 {
		op.Deps = logical.FrontierOf(logical.Dot{Origin: ownOrigin, Seq: seq - 1})
	}
	b.PutOp(op)
	b.PutObject(object)
	return op
}

// neighbours writes n small values, and a large one amid them, and opens the store
// anew, so that all of it is in tables.
func neighbours(t testing.TB, o storage.Options, n, large int) (*storage.Store, []string) {
	s, err := storage.Open(o)
	must(t, err)
	var keys []string
	commit(t, s, func(b *storage.Batch) {
		for i := range n {
			value := make([]byte, 100)
			if i == n/2 {
				value = noise(1, large)
			}
			keys = append(keys, fmt.Sprintf("key:%06d", i))
			putWrite(b, logical.Seq(i+1), keys[i], value)
		}
	})
	must(t, s.Close())
	return open(t, o), keys
}

// A value larger than any part of the block cache is no burden to those that are
// stored next to it, neither in the objects nor in the log.
func TestALargeValueLeavesItsNeighboursInTheCache(t *testing.T) {
	s, keys := neighbours(t, storage.Options{FS: vfs.NewMem(), Dir: "leader", Cache: 8 << 20, MemTable: 1 << 20}, 64, 3<<20)
	look := func() {
		for i, key := range keys {
			if i == len(keys)/2 {
				continue
			}
			o, err := s.Object(key)
			op, found, worse := s.Op(logical.Dot{Origin: ownOrigin, Seq: logical.Seq(i + 1)})
			if err != nil || worse != nil || !found || len(o.Versions) != 1 || len(op.Value) != 100 {
				t.Fatalf("%s: %v, %v, %v", key, o, err, worse)
			}
		}
	}
	look()
	before := s.Misses()
	look()
	if missed := s.Misses() - before; missed > 0 {
		t.Errorf("%d blocks were read again to look up %d keys", missed, len(keys))
	}
	if o, err := s.Object(keys[len(keys)/2]); err != nil || !bytes.Equal(o.Versions[0].Value, noise(1, 3<<20)) {
		t.Errorf("the large value: %v", err)
	}
}

// What the files of separated values hold is salvaged without the tables' help, and
// what another leader has under a dot is not taken for the log's own.
func TestSalvageOfSeparatedValues(t *testing.T) {
	fs := vfs.NewMem()
	o := tiny(fs)
	s, err := storage.Open(o)
	must(t, err)
	const ops = 12
	commit(t, s, func(b *storage.Batch) {
		for i := range logical.Seq(ops) {
			op := putWrite(b, i+1, fmt.Sprint("key", i), noise(byte(i), 20_000*int(i%3)))
			if i == 7 {
				other := *op
				other.Value = noise(99, len(op.Value))
				b.PutConflict(&other)
			}
		}
	})
	must(t, s.Close())
	must(t, open(t, o).Close()) // all of it is in tables
	for _, marker := range named(t, fs, "leader", "marker.manifest.") {
		must(t, fs.Remove(marker))
	}
	if len(named(t, fs, "leader", ".blob")) == 0 {
		t.Fatal("no value was separated; this shows nothing")
	}
	o.Dir = "fresh"
	to := open(t, o)
	found, err := storage.Salvage(fs, "leader", to)
	must(t, err)
	got, err := to.WaitingOps(ownOrigin, 1, ops+1, 1<<30)
	must(t, err)
	if len(got) != ops || len(found.Unread) > 0 || found.Claimed.At(ownOrigin) != ops {
		t.Fatalf("%d ops were salvaged: %+v", len(got), found)
	}
	for i, op := range got {
		if !bytes.Equal(op.Value, noise(byte(i), 20_000*(i%3))) {
			t.Errorf("op %s has another value", op.Dot)
		}
	}
}

// What a log adds up to depends on its ops alone, and not on what was put before a
// large one.
func TestLargeOpsAddUp(t *testing.T) {
	sum := func(before int) uint64 {
		o := tiny(vfs.NewMem())
		s := open(t, o)
		commit(t, s, func(b *storage.Batch) {
			for i := range before {
				other := codectest.TypicalOp()
				other.Dot, other.Parents = logical.Dot{Origin: ownOrigin + 1, Seq: logical.Seq(i + 1)}, nil
				other.Deps = logical.FrontierOf()
				if i > 0 {
					other.Deps = logical.FrontierOf(logical.Dot{Origin: ownOrigin + 1, Seq: logical.Seq(i)})
				}
				b.PutOp(other)
			}
			putWrite(b, 1, "large", noise(1, 100_000))
		})
		n, known, err := s.Sum(logical.Dot{Origin: ownOrigin, Seq: 1})
		if err != nil || !known {
			t.Fatalf("no sum: %v", err)
		}
		return n
	}
	if a, b := sum(0), sum(1); a != b {
		t.Errorf("the same log adds up to %x and to %x", a, b)
	}
}

// BenchmarkNeighbour is a look-up of a key beside one with a value of 4 MB, and beside
// none such, in a store on disk with caches of 64 and 256 MiB.
func BenchmarkNeighbour(b *testing.B) {
	for _, cache := range []int64{64 << 20, 256 << 20} {
		for _, large := range []int{100, 4_000_000} {
			b.Run(fmt.Sprintf("cache=%dMiB/value=%d", cache>>20, large), func(b *testing.B) {
				s, keys := neighbours(b, storage.Options{Dir: b.TempDir(), Cache: cache}, 1024, large)
				at := len(keys)/2 - 1
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := s.Object(keys[at-i%2]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
