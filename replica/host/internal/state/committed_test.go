package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

func object(key string, bytes int) *resolve.Object {
	return &resolve.Object{Key: key, Versions: []resolve.Version{{Dot: logical.Dot{Origin: 1, Seq: 1}, Kind: resolve.Put, Mask: resolve.LWW.Mask(), Value: make([]byte, bytes)}}}
}

// What a reader found in an older snapshot is not what the store holds now.
func TestOldObjectsAreNotKept(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 1<<20)
	defer s.Close()
	s.wanted.Store(snapshotDemand)
	s.publish(&sealed{stored: true, snapshot: s.snapshotFor(true)})
	old, _ := s.take(nil)
	defer old.Release()
	s.keep(object("now", 1), old)
	s.publish(&sealed{stored: true, snapshot: s.snapshotFor(true)})
	s.keep(object("then", 1), old)
	if now, then := s.object("now", new(arena), new(objects)), s.object("then", new(arena), new(objects)); len(now.Versions) == 0 || len(then.Versions) > 0 {
		t.Errorf("of what was read before a commit and kept before it: %v; kept after it: %v", now, then)
	}
}

// Without demand no snapshot is made, and what was made is given back.
func TestSnapshotsComeOnDemand(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 0)
	s.publish(&sealed{stored: true, snapshot: s.snapshotFor(true)})
	if s.snapshot != nil {
		t.Error("a snapshot was made for nobody")
	}
	snap, wait := s.take(nil)
	s.publish(&sealed{snapshot: s.snapshotFor(false)})
	<-wait
	if snap != nil || s.snapshot == nil {
		t.Error("no snapshot was made for whoever waited")
	}
	held, _ := s.take(nil)
	for range snapshotDemand + 1 {
		s.publish(&sealed{stored: true, snapshot: s.snapshotFor(true)})
	}
	if s.snapshot != nil {
		t.Error("snapshots are made for nobody again")
	}
	held.Release()
	s.Close() // waits for every snapshot
	if err := store.Close(); err != nil {
		t.Errorf("a snapshot is still open: %v", err)
	}
}

type still struct{}

func (still) Now() wallclock.Moment { return wallclock.Moment{} }

// Who began with an empty store knows how many keys there are without looking through it,
// and who did not looks through it once.
func TestAnEmptyStoreNeedNotBeCounted(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	looks := func() (n int) {
		s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 1<<20)
		defer s.Close()
		for range 2 {
			if _, _, _, ok, err := s.Population(still{}, func() { n++; s.publish(&sealed{snapshot: s.snapshotFor(false)}) }); !ok || err != nil {
				t.Fatalf("%v, %v", ok, err)
			}
		}
		return n
	}
	if n := looks(); n != 0 {
		t.Errorf("an empty store was looked through %d times", n)
	}
	b := store.NewBatch()
	b.PutState(storage.State{Origin: 1})
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := looks(); n != 1 {
		t.Errorf("one with something in it was looked through %d times", n)
	}
}
