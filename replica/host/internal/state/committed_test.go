package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
)

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
	s.publish(replica.State{}, nil, growth{}, true)
	old, _ := s.take(nil)
	defer old.Release()
	s.keep(object("now", 1), old)
	s.publish(replica.State{}, nil, growth{}, true)
	s.keep(object("then", 1), old)
	if s.object("now") == nil || s.object("then") != nil {
		t.Errorf("of what was read before a commit and kept before it: %v; kept after it: %v", s.object("now"), s.object("then"))
	}
}

// Without demand no snapshot is made, and what was made is given back.
func TestSnapshotsComeOnDemand(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 0)
	s.publish(replica.State{}, nil, growth{}, true)
	if s.snapshot != nil {
		t.Error("a snapshot was made for nobody")
	}
	snap, wait := s.take(nil)
	s.publish(replica.State{}, nil, growth{}, false)
	<-wait
	if snap != nil || s.snapshot == nil {
		t.Error("no snapshot was made for whoever waited")
	}
	held, _ := s.take(nil)
	for range snapshotDemand + 1 {
		s.publish(replica.State{}, nil, growth{}, true)
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
