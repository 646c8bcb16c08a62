package state

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
)

// What is stored is taken in, but for what was published since; then all is known.
func TestWarmingKeepsWhatWasPublishedSince(t *testing.T) {
	for _, limit := range []int64{1 << 20, 10_000} {
		store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		b := store.NewBatch()
		defer b.Close()
		b.PutState(storage.State{})
		const n = 600
		for i := range n {
			b.PutObject(object(fmt.Sprintf("k%03d", i), 1))
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		s := NewCommitted(store, &resolve.Policy{}, replica.State{}, limit)
		defer s.Close()
		s.take(nil)
		s.publish(&sealed{stored: true, snapshot: s.snapshotFor(true)})
		snap, _ := s.take(nil)
		defer snap.Release()
		if s.object("none", new(arena), new(objects)) != nil {
			t.Error("a key is taken for absent that may be stored")
		}
		s.publish(sealedWith(object("k001", 7), &resolve.Object{Key: "k002"}))
		if err := s.Warm(snap, func() bool { return true }); err != nil {
			t.Fatal(err)
		}
		if all := limit == 1<<20; s.knowsAll() != all || (s.object("none", new(arena), new(objects)) != nil) != all {
			t.Errorf("of %d bytes all is known: %v", limit, s.knowsAll())
			continue
		} else if !all {
			continue
		}
		for i := range n {
			o, bytes := s.object(fmt.Sprintf("k%03d", i), new(arena), new(objects)), 1
			switch {
			case i == 1:
				bytes = 7
			case i == 2:
				bytes = 0
			}
			if got := int(valueBytes(o)); got != bytes {
				t.Errorf("k%03d has %d bytes instead of %d", i, got, bytes)
			}
		}
	}
}

// Who is told to stop knows no more than before.
func TestWarmingStops(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b := store.NewBatch()
	defer b.Close()
	b.PutState(storage.State{})
	b.PutObject(object("k", 1))
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 1<<20)
	defer s.Close()
	s.take(nil)
	s.publish(&sealed{stored: true, snapshot: s.snapshotFor(true)})
	snap, _ := s.take(nil)
	defer snap.Release()
	if err := s.Warm(snap, func() bool { return false }); err != nil || s.knowsAll() {
		t.Errorf("after %v all is known: %v", err, s.knowsAll())
	}
}
