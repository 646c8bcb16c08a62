package host

import (
	"fmt"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
)

// Scan looks at the next n stored keys after cursor, in key order, and gives
// those that match and show a value now; a nil match takes all. An empty cursor is
// the begin, an empty next the end. Keys that are there throughout a whole scan
// are given exactly once. Keys whose deletion is still stored count among the n.
func (l *Loop) Scan(cursor string, n int, match func(key string) bool) (keys []string, next string, err error) {
	if n < 1 {
		return nil, "", fmt.Errorf("scan of %d keys: %w; look at one at least", n, replica.ErrBadRequest)
	}
	c, err := l.cut()
	if err != nil {
		return nil, "", err
	}
	defer c.release()
	past, looked := &history{c: c}, 0
	err = c.Keys(cursor, func(key, object []byte) (bool, error) {
		if looked++; looked > n {
			return false, nil
		}
		next = string(key)
		if match != nil && !match(next) {
			return true, nil
		}
		o, err := storage.DecodeStored(object, next)
		if err == nil && len(l.pump.shelf.showsAt(o, past, l.cfg.Clock).Values) > 0 {
			keys = append(keys, next)
		}
		return true, err
	})
	if err == nil {
		err = past.err
	}
	if looked <= n {
		next = ""
	}
	return keys, next, err
}

// Size is about how many keys show a value: those that hold one under their
// serving resolver, ended ones counted until they are deleted. The first call
// counts them all, once; from then on every commit keeps the number.
func (l *Loop) Size() (int64, error) {
	s := l.pump.shelf
	s.counting.Lock()
	defer s.counting.Unlock()
	if !s.counted {
		if err := l.count(s); err != nil {
			return 0, err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.base + s.more, nil
}

func (l *Loop) count(s *shelf) error {
	c, err := l.cut()
	if err != nil {
		return err
	}
	defer c.release()
	n := int64(0)
	err = c.Keys("", func(key, object []byte) (bool, error) {
		o, err := storage.DecodeStored(object, string(key))
		if err == nil {
			n += flag(s.holds(o))
		}
		return true, err
	})
	if err == nil {
		s.base, s.counted = n-c.more, true
	}
	return err
}

// holds reports whether the serving resolver keeps a value of the object.
func (s *shelf) holds(o *resolve.Object) bool {
	if len(o.Versions) == 0 {
		return false
	}
	serving := s.policy.Panel(o.Key).Serving
	for i := range o.Versions {
		if v := &o.Versions[i]; v.Mask.Has(serving) && !v.Deleted() {
			return true
		}
	}
	return false
}

// cut is the store as it is durable, to be released. When there is none at hand
// it waits for the loop to make one.
func (l *Loop) cut() (*cut, error) {
	for {
		c, wait := l.pump.shelf.take()
		switch {
		case c != nil:
			return c, nil
		case wait == nil:
			return nil, l.ended()
		}
		l.push(item{in: replica.Tick{}})
		<-wait
	}
}

// take is the cut at hand, or what to wait for; neither: nothing is read any
// more.
func (s *shelf) take() (*cut, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil
	}
	if c := s.hold(); c != nil {
		return c, nil
	}
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return nil, s.next
}
