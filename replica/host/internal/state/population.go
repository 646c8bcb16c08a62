package state

import (
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// population counts keys that show a value, and those among them that have a
// deadline.
type population struct {
	keys, expiring int64
	Deletions
}

// Deletions counts what is kept because something was deleted or added twice.
type Deletions struct {
	Keys     int64 // of which nothing is left but that they were deleted
	Versions int64 // that are deletions, of these keys and of others
	Voids    int64 // additions to counters that are noted as counted under another dot
}

func (p population) plus(q population) population {
	return population{p.keys + q.keys, p.expiring + q.expiring, Deletions{p.Keys + q.Keys, p.Versions + q.Versions, p.Voids + q.Voids}}
}

func (p population) less(q population) population {
	return population{p.keys - q.keys, p.expiring - q.expiring, Deletions{p.Keys - q.Keys, p.Versions - q.Versions, p.Voids - q.Voids}}
}

// growth is by how much more keys show a value.
type growth struct {
	population
	moved   []expiry // of a batch: deadlines that came and went
	counted expiries // of the whole store
}

// contribution is what one object adds to the population, and when the whole key
// expires; zero: never.
type contribution struct {
	population
	expires wallclock.Instant
}

// Population is how many keys show a value, how many of those have a deadline, and what is
// left of those that are gone.
// The first call counts all that are stored, unless the store was empty as it was opened;
// commits keep the numbers from then on.
// Commit must make a commit follow. False: nothing is read any more.
func (s *Committed) Population(clock Clock, commit func()) (keys, expiring int64, deletions Deletions, ok bool, err error) {
	s.counting.Lock()
	defer s.counting.Unlock()
	if !s.counted {
		if ok, err = s.count(commit); !ok || err != nil {
			return 0, 0, deletions, ok, err
		}
	}
	now := s.Now(clock)
	s.mu.RLock()
	defer s.mu.RUnlock()
	expired := s.expiries.before(now)
	p := s.base.plus(s.more).less(population{keys: expired, expiring: expired})
	return p.keys, p.expiring, p.Deletions, true, nil
}

// count looks through the store as it is at one moment. What was counted by commits
// before it is in the store; what they count after it comes on top.
func (s *Committed) count(commit func()) (ok bool, err error) {
	var before, found growth
	snap := s.snapshotAnd(commit, func() { before = growth{population: s.more, counted: s.expiries.clone()} })
	if snap == nil {
		return false, nil
	}
	defer snap.Release()
	err = snap.Keys("", func(key, object []byte) (bool, error) {
		o, err := codec.DecodeLent(object, string(key))
		if err == nil {
			c := s.contributes(o)
			found.population = found.plus(c.population)
			found.counted.add(c.expires, 1)
		}
		return true, err
	})
	if err != nil {
		return true, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expiries.join(&before.counted, -1)
	s.expiries.join(&found.counted, 1)
	s.base, s.counted = found.less(before.population), true
	return true, nil
}

// contributes is what the object adds: a key whose serving resolver keeps a value of
// it, with a deadline if one of those values has one.
func (s *Committed) contributes(o *resolve.Object) (c contribution) {
	if len(o.Versions) == 0 {
		return c
	}
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Deleted() {
			c.Versions++
		}
		c.Voids += int64(len(v.Count.Voids))
	}
	if int(c.Versions) == len(o.Versions) {
		c.Keys = 1
	}
	panel, lasts := s.Policy.Panel(o.Key), false
	var idx [8]int
	for _, i := range panel.Survivors(o, panel.Serving, idx[:0]) {
		v := &o.Versions[i]
		if v.Deleted() {
			continue
		}
		c.keys, lasts = 1, lasts || v.Expires == 0
		c.expires = max(c.expires, v.Expires)
	}
	if c.keys > 0 && panel.Serving == resolve.Counter {
		e, _ := o.Deadline()
		c.expires, lasts = e.Expires, e.Expires == 0
	}
	if c.expires != 0 {
		c.expiring = 1
	}
	if lasts {
		c.expires = 0 // a value of it stays
	}
	return c
}
