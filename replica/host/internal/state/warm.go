package state

import (
	"kvd/resolve"
	"kvd/storage/codec"
)

// warmKeys and warmBytes are how much of what is stored goes into the cache at a time.
const warmKeys, warmBytes = 256, 256 << 10

// Warm takes what the snapshot holds into the cache, until nothing more fits or more
// answers false, which it is asked now and then. What was published since the snapshot
// stays. When all of it is there, keys that are not are known to be absent.
func (s *Committed) Warm(snap *Snapshot, more func() bool) error {
	if s.Complete() {
		return nil
	}
	var page encoded
	var keys []string
	going := true
	flush := func() bool {
		going = s.takePage(keys, &page) && more()
		page.reset()
		keys = keys[:0]
		return going
	}
	err := snap.Keys("", func(key, object []byte) (bool, error) {
		o, err := codec.DecodeLent(object, string(key))
		if err != nil {
			return false, err
		}
		keys = append(keys, o.Key)
		page.add(s, o, object)
		return len(keys) < warmKeys && len(page.bytes) < warmBytes || flush(), nil
	})
	if err != nil || !going || !flush() {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = !s.closed
	return nil
}

// encoded is objects on their way into the cache.
type encoded struct {
	bytes []byte
	ends  []int
	marks []uint8
}

func (e *encoded) add(s *Committed, o *resolve.Object, b []byte) {
	e.marks = append(e.marks, s.markOf(o))
	e.bytes = append(e.bytes, b...)
	e.ends = append(e.ends, len(e.bytes))
}

// object is the i-th.
func (e *encoded) object(i int) []byte {
	from := 0
	if i > 0 {
		from = e.ends[i-1]
	}
	return e.bytes[from:e.ends[i]]
}

func (e *encoded) reset() { e.bytes, e.ends, e.marks = e.bytes[:0], e.ends[:0], e.marks[:0] }

// Complete reports whether every object that is stored is in the cache.
func (s *Committed) Complete() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.knowsAll()
}

// takePage puts the objects whose keys the cache does not have; false: it has lost
// something, so that it does not know any more what was published since.
func (s *Committed) takePage(keys []string, page *encoded) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, key := range keys {
		if s.objects.Lost() {
			return false
		}
		if !s.objects.Has(key) {
			s.put(key, page.object(i), page.marks[i])
		}
	}
	return !s.objects.Lost() && !s.closed
}
