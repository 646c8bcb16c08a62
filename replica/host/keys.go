package host

import (
	"fmt"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// Scan gives the next n keys after cursor, in key order, that match and show a value
// now; a nil match takes all. An empty cursor is the begin, an empty next the end.
// Keys that are there throughout a whole scan are given exactly once. It gives fewer
// than n, though more may follow, once it has looked at maxScanLooked stored keys,
// those of deletions among them, or at maxScanRead bytes, or found maxScanBytes of
// keys. It does not end behind the empty key, which would be the begin again, so that
// it may give one more than n.
func (l *Loop) Scan(cursor string, n int, match func(key string) bool) (keys []string, next string, err error) {
	if n < 1 {
		return nil, "", fmt.Errorf("scan of %d keys: %w; look at one at least", n, replica.ErrBadRequest)
	}
	c, err := l.cut()
	if err != nil {
		return nil, "", err
	}
	defer c.release()
	past, looked, bytes, read, more := &history{c: c}, 0, 0, 0, false
	err = c.Keys(cursor, func(key, object []byte) (bool, error) {
		if more = next != "" && (len(keys) >= n || looked >= max(n, maxScanLooked) || bytes > maxScanBytes || read > maxScanRead); more {
			return false, nil
		}
		looked++
		next = string(key)
		if match != nil && !match(next) {
			return true, nil
		}
		read += len(object)
		o, err := storage.DecodeLent(object, next)
		if err == nil && len(l.pump.shelf.showsAt(o, past, l.cfg.Clock).Values) > 0 {
			keys, bytes = append(keys, next), bytes+len(next)
		}
		return true, err
	})
	if err == nil {
		err = past.err
	}
	if !more {
		next = ""
	}
	return keys, next, err
}

// What one Scan finds, looks at and reads at most: about bytes of keys, stored keys,
// and bytes of what is stored of those that match.
const (
	maxScanBytes  = 1 << 20
	maxScanLooked = 8192
	maxScanRead   = 16 << 20
)

// Find is the first stored key that fits, in key order, whether it shows a value or
// not; false: none does. It walks over all keys.
func (l *Loop) Find(fits func(key string) bool) (found string, ok bool, err error) {
	c, err := l.cut()
	if err != nil {
		return "", false, err
	}
	defer c.release()
	err = c.Keys("", func(key, _ []byte) (bool, error) {
		if k := string(key); fits(k) {
			found, ok = k, true
		}
		return !ok, nil
	})
	return found, ok, err
}

// Size is about how many keys show a value: those that hold one under their
// serving resolver and have not ended, which is known to a millisecond, or less
// exactly where there are very many deadlines. The first call counts them all, once;
// from then on every commit keeps the number.
func (l *Loop) Size() (int64, error) {
	p, err := l.population()
	return p.keys, err
}

// Expiring is how many of those have a deadline.
func (l *Loop) Expiring() (int64, error) {
	p, err := l.population()
	return p.expiring, err
}

func (l *Loop) population() (population, error) {
	s := l.pump.shelf
	s.counting.Lock()
	defer s.counting.Unlock()
	if !s.counted {
		if err := l.count(s); err != nil {
			return population{}, err
		}
	}
	now := l.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	ended := s.ends.before(now)
	return s.base.plus(s.more).less(population{ended, ended}), nil
}

// population counts keys that hold something, and those among them that have a
// deadline.
type population struct{ keys, expiring int64 }

func (p population) plus(q population) population {
	return population{p.keys + q.keys, p.expiring + q.expiring}
}

func (p population) less(q population) population {
	return population{p.keys - q.keys, p.expiring - q.expiring}
}

// count looks through the store as it is at one moment. What was counted by commits
// before it is in the store; what they count after it comes on top.
func (l *Loop) count(s *shelf) error {
	var before growth
	c, err := l.cutAnd(func() { before = growth{population: s.more, counted: s.ends.clone()} })
	if err != nil {
		return err
	}
	defer c.release()
	var found growth
	err = c.Keys("", func(key, object []byte) (bool, error) {
		o, err := storage.DecodeLent(object, string(key))
		if err == nil {
			h := s.counts(o)
			found.population = found.plus(h.population)
			found.counted.add(h.ends, 1)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends.join(&before.counted, -1)
	s.ends.join(&found.counted, 1)
	s.base, s.counted = found.less(before.population), true
	return nil
}

// growth is by how much more keys hold something.
type growth struct {
	population
	moved   []ending // of a batch: deadlines that came and went
	counted endings  // of the whole store
}

// holding is what one object adds to the population, and when the whole key ends;
// zero: never.
type holding struct {
	population
	ends wallclock.Instant
}

// counts is what the object adds: a key whose serving resolver keeps a value of it,
// with a deadline if one of those values has one.
func (s *shelf) counts(o *resolve.Object) (h holding) {
	if len(o.Versions) == 0 {
		return h
	}
	panel, lasts := s.policy.Panel(o.Key), false
	var idx [8]int
	for _, i := range panel.Survivors(o, panel.Serving, idx[:0]) {
		v := &o.Versions[i]
		if v.Deleted() {
			continue
		}
		h.keys, lasts = 1, lasts || v.Expires == 0
		h.ends = max(h.ends, v.Expires)
	}
	if h.keys > 0 && panel.Serving == resolve.Counter {
		e, _ := o.Ending()
		h.ends, lasts = e.Expires, e.Expires == 0
	}
	h.expiring = flag(h.ends != 0)
	if lasts {
		h.ends = 0 // a value of it stays
	}
	return h
}

// cut is the store as it is durable, to be released. When there is none at hand
// it waits for the loop to make one.
func (l *Loop) cut() (*cut, error) { return l.cutAnd(nil) }

// cutAnd is cut, and calls at the moment that it shows; nil: nothing is called.
func (l *Loop) cutAnd(at func()) (*cut, error) {
	for {
		c, wait := l.pump.shelf.take(at)
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
func (s *shelf) take(at func()) (*cut, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.doubtful != nil {
		return nil, nil
	}
	if c := s.hold(); c != nil {
		if at != nil {
			at()
		}
		return c, nil
	}
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return nil, s.next
}
