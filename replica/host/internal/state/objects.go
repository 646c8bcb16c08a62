package state

import "kvd/resolve"

// objects is memory of objects that is used again: every write takes one, from the step
// that reads or makes it to the moment when it is durable and readers have its encoding.
// What left with a batch may be looked at until the next batch leaves, and is used again
// only then. The zero objects has none to spare.
type objects struct {
	spare   []*resolve.Object
	retired []*resolve.Object // of the batch that was published last
}

const (
	// maxSpareObjects is how many are kept, about 300 bytes each.
	maxSpareObjects = 8 << 10
	// maxSpareVersions is how many versions one may have memory for that is kept.
	maxSpareVersions = 2
)

// next is the object of a key of which nothing is stored; it is the caller's.
func (s *objects) next(key string) *resolve.Object {
	n := len(s.spare)
	if n == 0 {
		o := resolve.NewObject(key, 1)
		o.Versions = o.Versions[:0]
		return o
	}
	o := s.spare[n-1]
	s.spare[n-1] = nil
	s.spare = s.spare[:n-1]
	*o = resolve.Object{Key: key, Versions: o.Versions[:0]}
	return o
}

// retire takes the objects of a batch that is published, each of which is there once, and
// makes those of the batch before it spare.
func (s *objects) retire(batch []*resolve.Object) {
	for _, o := range s.retired {
		if len(s.spare) < maxSpareObjects {
			clear(o.Versions[:cap(o.Versions)]) // what it refers to is not held by it any more
			o.Key = ""
			poison(o)
			s.spare = append(s.spare, o)
		}
	}
	clear(s.retired)
	s.retired = s.retired[:0]
	for _, o := range batch {
		if c := cap(o.Versions); 0 < c && c <= maxSpareVersions && len(s.retired) < maxSpareObjects {
			s.retired = append(s.retired, o)
		}
	}
}
