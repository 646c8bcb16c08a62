package storage_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
)

func put(t *testing.T, s *storage.Store, keys ...string) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	for _, k := range keys {
		o := codectest.TypicalObject()
		o.Key = k
		b.PutObject(o)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestCutStaysAsItWas(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	put(t, s, "a")
	c := s.Snapshot()
	b := s.NewBatch()
	defer b.Close()
	b.PutObject(&resolve.Object{Key: "a"})
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "b")
	for key, want := range map[string]int{"a": 1, "b": 0} {
		if o, err := c.Object(key); err != nil || len(o.Versions) != want {
			t.Errorf("the snapshot has %d versions of %s, %v; want %d", len(o.Versions), key, err, want)
		}
		if o, err := s.Object(key); err != nil || len(o.Versions) != 1-want {
			t.Errorf("the store has %d versions of %s, %v; want %d", len(o.Versions), key, err, 1-want)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestKeysComeInOrderFromAnyPlace(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	all := []string{"\x00", "a", "a\x00", "ab", "b", "\xff", "\xff\xff"}
	put(t, s, all...)
	after := func(key string, n int) (keys []string) {
		err := s.Keys(key, func(k, object []byte) (bool, error) {
			o, err := codec.DecodeStored(object, string(k))
			keys = append(keys, o.Key)
			return len(keys) < n, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	if got := after("", 99); !slices.Equal(got, all) {
		t.Errorf("all keys are %q", got)
	}
	for i, k := range all {
		if got := after(k, 99); !slices.Equal(got, all[i+1:]) {
			t.Errorf("after %q come %q", k, got)
		}
	}
	if got := after("a", 2); !slices.Equal(got, all[2:4]) {
		t.Errorf("two keys after a are %q", got)
	}
	if got := after("aa", 1); !slices.Equal(got, all[3:4]) {
		t.Errorf("after a key that is not there comes %q", got)
	}
}

func TestLivesAreRemembered(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	if origins, err := s.Incarnations(); err != nil || len(origins) != 0 {
		t.Fatalf("a fresh store names origins %v, %v", origins, err)
	}
	commit := func(origins ...logical.Origin) error {
		b := s.NewBatch()
		defer b.Close()
		b.PutIncarnations(origins)
		return b.Commit()
	}
	want := []logical.Origin{3, 1 << 60}
	if err := commit(want...); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]logical.Origin{{0}, {2, 2}, {3, 2}, make([]logical.Origin, codec.MaxDeps+1)} {
		if commit(bad...) == nil {
			t.Errorf("%d origins beginning %v were stored", len(bad), bad[0])
		}
	}
	if origins, err := s.Incarnations(); err != nil || !slices.Equal(origins, want) {
		t.Errorf("read %v, %v", origins, err)
	}
}

func FuzzDecodeIncarnations(f *testing.F) {
	f.Add(storage.AppendIncarnations(nil, []logical.Origin{1, 1 << 40}))
	f.Add([]byte{0x90})
	f.Add([]byte{0x90, 0x01}) // none is announced, and a format follows
	f.Add([]byte{0xdd, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		origins, err := storage.DecodeIncarnations(b)
		if err != nil {
			return
		}
		if again := storage.AppendIncarnations(nil, origins); !bytes.Equal(again, b) {
			t.Fatalf("accepted %x\nre-encoded %x", b, again)
		}
	})
}
