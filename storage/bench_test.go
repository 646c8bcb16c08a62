package storage_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
)

// BenchmarkBatch is one commit of one or 64 writes, each an op and an object, and
// the state: in memory, on disk, and on disk with each commit synced.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("mem/%d", n), func(b *testing.B) { benchBatch(b, small(vfs.NewMem()), n) })
		b.Run(fmt.Sprintf("disk/never/%d", n), func(b *testing.B) {
			benchBatch(b, storage.Options{Dir: b.TempDir(), Sync: storage.SyncNever}, n)
		})
		b.Run(fmt.Sprintf("disk/always/%d", n), func(b *testing.B) {
			benchBatch(b, storage.Options{Dir: b.TempDir()}, n)
		})
	}
}

func benchBatch(b *testing.B, o storage.Options, n int) {
	s := open(b, o)
	batch := s.NewBatch()
	op, object := firstOp(), codectest.TypicalObject()
	op.Dot.Seq = 0
	st := storage.State{Origin: ownOrigin, Frontier: op.Deps.Clone(), Lamport: 1 << 20, HLC: op.HLC}
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%010d", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		for range n {
			op.Dot.Seq++
			op.Key = keys[int(op.Dot.Seq)*7919%len(keys)]
			object.Key, object.Versions[0].Dot = op.Key, op.Dot
			batch.PutOp(op)
			batch.PutObject(object)
		}
		batch.PutState(st)
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "ops/s")
	_ = batch.Close()
}

func BenchmarkObjectRead(b *testing.B) {
	s := open(b, storage.Options{Dir: b.TempDir(), Sync: storage.SyncNever})
	const keys = 10_000
	batch := s.NewBatch()
	o := codectest.TypicalObject()
	for i := range keys {
		o.Key = fmt.Sprintf("user:%010d", i)
		batch.PutObject(o)
	}
	must(b, batch.Commit())
	must(b, batch.Close())
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("user:%010d", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		got, err := s.Object(names[i*7919%keys])
		if err != nil || len(got.Versions) != 1 {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeOp(b *testing.B) {
	op := codectest.TypicalOp()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = codec.AppendOp(dst[:0], op)
	}
}

func BenchmarkDecodeOp(b *testing.B) {
	in := codec.AppendOp(nil, codectest.TypicalOp())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.DecodeOp(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeObject(b *testing.B) {
	in := codec.AppendObject(nil, codectest.TypicalObject())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.DecodeObject(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is opening a fresh store in memory, writing once, and closing
// it: what a simulation pays for every incarnation of a leader.
func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := storage.Open(small(vfs.NewMem()))
		if err != nil {
			b.Fatal(err)
		}
		batch := s.NewBatch()
		batch.PutState(storage.State{Origin: 1, Frontier: logical.Frontier{}})
		must(b, batch.Commit())
		must(b, batch.Close())
		must(b, s.Close())
	}
}
