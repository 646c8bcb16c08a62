package host

import (
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// Sweeper finds keys with values of this leader's that have expired, page by
// page, for the core to delete. What it finds is a hint: it looks at what is
// stored, synced or not, and the core looks again. It belongs to one goroutine;
// the store must be open for as long as it is used.
type Sweeper struct {
	store  *storage.Store
	policy *resolve.Policy
	lives  []logical.Origin
	after  string // the last key looked at
}

// NewSweeper begins before the first key.
func (p *Pump) NewSweeper() *Sweeper {
	return &Sweeper{store: p.shelf.store, policy: p.shelf.policy, lives: p.own}
}

// Next looks at the next n keys, from the begin again after the last one, and
// gives those whose values have ended at now. Mortal reports whether any of them
// had a deadline at all, and end whether the last key was among them.
func (s *Sweeper) Next(now wallclock.Instant, n int) (sweep replica.Sweep, mortal, end bool, err error) {
	looked := 0
	err = s.store.Keys(s.after, func(key, object []byte) (bool, error) {
		if looked++; looked > n {
			return false, nil
		}
		s.after = string(key)
		o, err := storage.DecodeStored(object, s.after)
		if err != nil {
			return false, err
		}
		mortal = mortal || o.Mortal()
		if s.ended(o, now) {
			sweep.Keys = append(sweep.Keys, o.Key)
		}
		return true, nil
	})
	if end = looked <= n; end {
		s.after = ""
	}
	return sweep, mortal, end, err
}

// ended reports whether the key shows a value of ours that has ended.
func (s *Sweeper) ended(o *resolve.Object, now wallclock.Instant) bool {
	if !o.Mortal() {
		return false
	}
	panel := s.policy.Panel(o.Key)
	var room [4]logical.Dot
	return slices.ContainsFunc(panel.Ended(o, now, room[:0]), func(d logical.Dot) bool { return slices.Contains(s.lives, d.Origin) })
}

// sweep hands the core what has ended, until the loop ends. A pass over the keys
// begins only when a deadline may be among them.
func (l *Loop) sweep() {
	tick := time.NewTicker(l.cfg.SweepEvery)
	defer tick.Stop()
	s, shelf, within := l.pump.NewSweeper(), l.pump.shelf, false
	for {
		select {
		case <-l.ending:
			return
		case <-tick.C:
		}
		if !within && !shelf.mortal.Swap(false) {
			continue
		}
		within = l.sweepPage(s)
	}
}

// sweepPage looks through one page and reports whether the pass goes on. A store
// that cannot be read stops the leader.
func (l *Loop) sweepPage(s *Sweeper) bool {
	found, mortal, end, err := s.Next(l.cfg.Clock.Now().Wall.Midpoint(), l.cfg.SweepKeys)
	switch {
	case err != nil:
		l.push(item{err: err})
	case len(found.Keys) > 0:
		l.Deliver(found)
	}
	if mortal {
		l.pump.shelf.mortal.Store(true)
	}
	return !end
}
