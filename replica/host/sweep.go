package host

import (
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// Sweeper finds keys with values of this leader's that have expired, page by
// page, for the core to delete. What it finds is a hint: it looks at what is
// stored, synced or not, and the core looks again. It belongs to one goroutine;
// the store must be open for as long as it is used.
type Sweeper struct {
	store  *storage.Store
	policy *resolve.Policy
	own    []logical.Origin
	after  string // the last key looked at
	bytes  int    // of the objects of the last page
}

// pageBytes is what the objects of a page come to, its last one excepted, and
// sweepRate how many bytes of objects are looked at in a second: what expires is not
// shown, swept or not, and large values must not keep a processor busy.
const (
	pageBytes = 256 << 10
	sweepRate = 8 << 20
)

// rest is how long to wait after the last page.
func (s *Sweeper) rest() time.Duration {
	return time.Duration(s.bytes) * time.Second / sweepRate
}

// NewSweeper begins before the first key.
func (p *Pump) NewSweeper() *Sweeper {
	return &Sweeper{store: p.committed.Store, policy: p.committed.Policy, own: p.own}
}

// Next looks at the next n keys, from the begin again after the last one, and
// gives those whose values have expired at now. Expiring reports whether any of them
// had a deadline at all, and end whether the last key was among them. A page ends
// early once its objects, of which a store reads all, come to pageBytes.
func (s *Sweeper) Next(now wallclock.Instant, n int) (sweep replica.Sweep, expiring, end bool, err error) {
	visited := 0
	s.bytes = 0
	err = s.store.Keys(s.after, func(key, object []byte) (bool, error) {
		if visited++; s.after != "" && (visited > n || s.bytes >= pageBytes) {
			return false, nil
		}
		s.bytes += len(object)
		s.after = string(key)
		o, err := codec.DecodeLent(object, s.after)
		if err != nil {
			return false, err
		}
		expiring = expiring || o.HasTTL()
		if s.expired(o, now) {
			sweep.Keys = append(sweep.Keys, o.Key)
		}
		return true, nil
	})
	if end = visited <= n && s.bytes < pageBytes; end {
		s.after = ""
	}
	return sweep, expiring, end, err
}

// expired reports whether the key shows a value of ours that has expired.
func (s *Sweeper) expired(o *resolve.Object, now wallclock.Instant) bool {
	if !o.HasTTL() {
		return false
	}
	ours := func(o logical.Origin) bool { return slices.Contains(s.own, o) }
	return len(replica.Due(s.policy.Panel(o.Key), o, now, ours)) > 0
}

// sweep hands the core what has expired, until the loop ends. A pass over the keys
// begins only when a deadline may be among them.
func (l *Loop) sweep() {
	tick := time.NewTicker(l.cfg.SweepEvery)
	defer tick.Stop()
	s, within, last := l.pump.NewSweeper(), false, time.Time{}
	for n := 1; ; n++ {
		select {
		case <-l.ending:
			return
		case <-tick.C:
		}
		if n%idleTicks == 0 {
			l.Deliver(replica.Tick{}) // an idle leader without peers follows its clock, too
		}
		switch {
		case time.Since(last) < s.rest():
		case within || l.pump.committed.Expiring.Swap(false):
			within = l.sweepPage(s)
			last = time.Now()
		}
	}
}

// idleTicks is how many ticks go by before a leader is made to look at its clock,
// if nothing else has.
const idleTicks = 100

// Now is the time that the leader and its peers agree on: deadlines go by it.
func (l *Loop) Now() wallclock.Instant { return l.pump.committed.Now(l.cfg.Clock) }

// sweepPage looks through one page and reports whether the pass goes on. One that
// cannot be read is damage, and ends the pass: what has expired is not shown, swept
// or not.
func (l *Loop) sweepPage(s *Sweeper) bool {
	found, expiring, end, err := s.Next(l.Now(), l.cfg.SweepKeys)
	switch {
	case err != nil:
		l.pump.committed.Store.NoteDamage(err)
		return false
	case len(found.Keys) > 0:
		l.Deliver(found)
	}
	if expiring {
		l.pump.committed.Expiring.Store(true)
	}
	return !end
}
