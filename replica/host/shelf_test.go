package host

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
)

// What a reader found in an older cut is not what the store holds now.
func TestOldObjectsAreNotKept(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := newShelf(store, &resolve.Policy{}, replica.State{}, 1<<20)
	defer s.close()
	s.wanted.Store(lastingDemand)
	s.publish(replica.State{}, nil, growth{}, true)
	old, _ := s.take(nil)
	defer old.release()
	s.keep(object("now", 1), old)
	s.publish(replica.State{}, nil, growth{}, true)
	s.keep(object("then", 1), old)
	if s.object("now") == nil || s.object("then") != nil {
		t.Errorf("of what was read before a commit and kept before it: %v; kept after it: %v", s.object("now"), s.object("then"))
	}
}

// Without demand no cut is made, and what was made is given back.
func TestCutsComeOnDemand(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(store, &resolve.Policy{}, replica.State{}, 0)
	s.publish(replica.State{}, nil, growth{}, true)
	if s.cut != nil {
		t.Error("a cut was made for nobody")
	}
	c, wait := s.take(nil)
	s.publish(replica.State{}, nil, growth{}, false)
	<-wait
	if c != nil || s.cut == nil {
		t.Error("no cut was made for whoever waited")
	}
	held, _ := s.take(nil)
	for range lastingDemand + 1 {
		s.publish(replica.State{}, nil, growth{}, true)
	}
	if s.cut != nil {
		t.Error("cuts are made for nobody again")
	}
	held.release()
	s.close() // waits for every cut
	if err := store.Close(); err != nil {
		t.Errorf("a cut is still open: %v", err)
	}
}
