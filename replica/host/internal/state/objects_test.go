package state

import (
	"testing"

	"kvd/resolve"
)

// An object is used again once the batch after its own was published, and not before: what
// left with its batch may be looked at until then. Large ones are not kept.
func TestObjectsAreUsedAgainAfterTheNextBatch(t *testing.T) {
	var s objects
	first, large := s.next("first"), resolve.NewObject("large", maxSpareVersions+1)
	first.Versions = append(first.Versions, object("", 1).Versions...)
	s.retire([]*resolve.Object{first, large})
	if o, p := s.next("second"), s.next("second"); o == first || p == first {
		t.Fatal("the object is used again while its batch may be looked at")
	}
	s.retire(nil)
	o := s.next("third")
	if o != first || o.Key != "third" || len(o.Versions) != 0 || o.Duplicates {
		t.Fatalf("the object of the batch before is %v; expected %p, as one of which nothing is stored", o, first)
	}
	if v := o.Versions[:1][0]; v.Value != nil && string(v.Value) != "poison" {
		t.Errorf("it still refers to a value of %d bytes", len(v.Value))
	}
	if o := s.next("fourth"); o == large {
		t.Error("an object with many versions was kept")
	}
}

// However many objects a batch has, a bounded number of them is kept.
func TestObjectsAreBounded(t *testing.T) {
	var s objects
	for range 3 {
		batch := make([]*resolve.Object, maxSpareObjects+1)
		for i := range batch {
			batch[i] = resolve.NewObject("k", 1)
		}
		s.retire(batch)
	}
	if len(s.spare) > maxSpareObjects || len(s.retired) > maxSpareObjects {
		t.Errorf("%d and %d objects are kept, expected %d at most", len(s.spare), len(s.retired), maxSpareObjects)
	}
}
