package state

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
	"kvd/wallclock"
)

type stopped wallclock.Moment

func (m stopped) Now() wallclock.Moment { return wallclock.Moment(m) }

// What is read of an encoded object is what the object shows, whatever it holds and
// whoever serves it, and folds are given the object itself.
func TestEncodedObjectsShowWhatObjectsShow(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		policy := &resolve.Policy{Default: rapid.SampledFrom(resolve.IDs()).Draw(t, "serving")}
		s := NewCommitted(store, policy, replica.State{}, 1<<20)
		defer s.Close()
		clock := stopped{Wall: wallclock.Interval{Earliest: 5e9, Latest: 5e9}}
		o := codectest.Object(t)
		if len(o.Versions) > 0 && rapid.IntRange(0, 3).Draw(t, "one version") > 0 {
			o.Versions = o.Versions[:1]
			if rapid.Bool().Draw(t, "kept for ever") {
				v := &o.Versions[0]
				v.Expires, v.Count.Deadlines = 0, nil
				if policy.Default != resolve.Counter && !v.Deleted() { // and shown: most others are not plain
					v.Mask, v.Value = v.Mask|policy.Default.Mask(), append([]byte{}, v.Value...)
				}
			}
		}
		o.Duplicates = false // for those the store is asked
		s.publish(sealedWith(o))
		q := &replica.Request{Verb: replica.Get, Key: o.Key, Whether: rapid.Bool().Draw(t, "whether"), Budget: &replica.Budget{Bytes: 1 << 20}}
		if rapid.Bool().Draw(t, "scratch") {
			q.Budget.Scratch = new(replica.Scratch)
		}
		if s.markOf(o) == plainObject {
			plain++
		}
		var got [1]replica.Reply
		if !s.Read([]*replica.Request{q}, clock, got[:]) || got[0].Err != nil {
			t.Fatalf("it is not answered: %v", got[0].Err)
		}
		if want := q.Brief(s.Shows(o, nil, clock)); fmt.Sprint(got[0].Shown) != fmt.Sprint(want) {
			t.Fatalf("%+v shows %v instead of %v", o, got[0].Shown, want)
		}
		if spent := 1<<20 - q.Budget.Bytes; spent != replica.Bytes(got[0].Shown.Values) {
			t.Fatalf("%d bytes are taken for %v", spent, got[0].Shown)
		}
		want, _ := codec.DecodeStored(codec.AppendObjectAs(nil, "", o), o.Key)
		if fold := s.object(o.Key, new(arena), new(objects)); !reflect.DeepEqual(fold, want) && len(o.Versions) > 0 {
			t.Fatalf("a fold is given %+v instead of %+v", fold, want)
		}
	})
	if plain == 0 {
		t.Error("no object was plain")
	}
}

// Of a key that was dropped, or never there, nothing is asked of the store while the
// cache has all there is; once something is lost from it, it does not know any more.
func TestAbsentKeysAreKnown(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 100_000)
	defer s.Close()
	get := func(key string) bool {
		var got [1]replica.Reply
		return s.Read([]*replica.Request{{Verb: replica.Get, Key: key}}, stopped{}, got[:]) && len(got[0].Shown.Values) == 0
	}
	s.publish(sealedWith(object("k", 10)))
	s.publish(sealedWith(&resolve.Object{Key: "k"}))
	if !get("k") || !get("never") {
		t.Error("the store is asked for keys that are known to be absent")
	}
	for i := range 2000 {
		s.publish(sealedWith(object(fmt.Sprint(i), 100)))
	}
	if get("k") || get("0") || s.object("0", new(arena), new(objects)) != nil {
		t.Error("what was evicted is taken for absent")
	}
}

// A GET of a pipeline costs no allocation once its scratch has grown.
func TestPlainReadsAllocateNothing(t *testing.T) {
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := NewCommitted(store, &resolve.Policy{}, replica.State{}, 1<<20)
	defer s.Close()
	var scratch replica.Scratch
	var reqs []*replica.Request
	budget := &replica.Budget{Scratch: &scratch}
	for i := range 16 {
		o := object(fmt.Sprint("k", i), 100)
		o.Versions[0].Dot = logical.Dot{Origin: 1, Seq: logical.Seq(i + 1)}
		s.publish(sealedWith(o))
		reqs = append(reqs, &replica.Request{Verb: replica.Get, Key: o.Key, Budget: budget})
	}
	replies := make([]replica.Reply, len(reqs))
	if n := testing.AllocsPerRun(100, func() {
		budget.Bytes = 1 << 20
		if !s.Read(reqs, stopped{}, replies) || len(replies[15].Shown.Values[0]) != 100 {
			t.Fatal("it is not answered")
		}
		scratch.Reset()
	}); n != 0 {
		t.Errorf("16 reads take %v allocations", n)
	}
}

// sealedWith is a batch that put the objects.
func sealedWith(objects ...*resolve.Object) *sealed {
	g := &sealed{stored: true, dirty: objects}
	for _, o := range objects {
		var b []byte
		if len(o.Versions) > 0 || o.Duplicates {
			b = codec.AppendObjectAs(nil, "", o)
		}
		g.encoded = append(g.encoded, b)
	}
	return g
}
