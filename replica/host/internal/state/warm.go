package state

import "kvd/storage/codec"

// warmKeys and warmBytes are how much of what is stored goes into the cache at a time.
const warmKeys, warmBytes = 256, 256 << 10

// Warm takes what the snapshot holds into the cache, until nothing more fits or more
// answers false, which it is asked now and then. What was published since the snapshot
// stays. When all of it is there, keys that are not are known to be absent.
func (s *Committed) Warm(snap *Snapshot, more func() bool) error {
	if s.Complete() {
		return nil
	}
	var page []encoded
	var memory arena
	bytes, going := 0, true
	flush := func() bool {
		going = s.takePage(page) && more()
		page, bytes = page[:0], 0
		return going
	}
	err := snap.Keys("", func(key, object []byte) (bool, error) {
		o, err := codec.DecodeLent(object, string(key))
		if err != nil {
			return false, err
		}
		page = append(page, encoded{o.Key, memory.clone(object), s.markOf(o)})
		bytes += len(object)
		return len(page) < warmKeys && bytes < warmBytes || flush(), nil
	})
	if err != nil || !going || !flush() {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = !s.closed
	return nil
}

// encoded is an object on its way into the cache.
type encoded struct {
	key   string
	value []byte
	mark  uint8
}

// Complete reports whether every object that is stored is in the cache.
func (s *Committed) Complete() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.knowsAll()
}

// takePage puts the objects whose keys the cache does not have; false: it has lost
// something, so that it does not know any more what was published since.
func (s *Committed) takePage(page []encoded) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range page {
		if s.objects.Lost() {
			return false
		}
		if !s.objects.Has(o.key) {
			s.put(o.key, o.value, o.mark)
		}
	}
	return !s.objects.Lost() && !s.closed
}
