package stability

import (
	"sync/atomic"
	"time"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/stable"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// What a page of objects has at most.
const (
	pageKeys  = 1024
	pageBytes = 256 << 10
)

// pageRests is how long it rests after a page, as a multiple of what looking through it took:
// so it takes a fifth of a processor. After a pass it rests for as long as that took.
const pageRests = 4

// deleted drops what is left of deleted keys once nobody can need it. It looks through all
// objects, pass after pass, but only while there is something left of deleted keys, and only
// when more of it may go than in the pass before.
//
//	deletions outside of history ─▶ promise to stamp above them ═▶ other leaders
//	                                    all have promised it ─▶ dropped, on the loop
type deleted struct {
	collector *Collector

	counted atomic.Pointer[host.Deletions]
	dropped atomic.Uint64 // keys
	due     due
}

// due says when the next pass begins.
type due struct {
	closing stable.Closing // of the last pass
	left    bool           // it left what a promise, or the clock, was missing for
	next    time.Time      // not before
}

func (d *due) is(c *stable.Closing, now time.Time) bool {
	if now.Before(d.next) || c.Outside.Len() == 0 {
		return false
	}
	return d.left || c.Floor != d.closing.Floor || c.Outside.Beyond(d.closing.Outside) > 0
}

func (d *deleted) run() {
	cfg := &d.collector.cfg
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if n, err := cfg.Loop.Deletions(); err == nil {
			d.counted.Store(&n)
			if c := d.collector.Stats().closing; n.Keys > 0 && cfg.Store.Disk().Err() == nil && d.due.is(&c, time.Now()) {
				d.pass(c)
			}
		}
		select {
		case <-cfg.Loop.Done():
			return
		case <-tick.C:
		}
	}
}

// pass looks through all objects once.
func (d *deleted) pass(c stable.Closing) {
	cfg, began := &d.collector.cfg, time.Now()
	p := pass{deleted: d, closing: c, floor: cfg.Loop.Status().State.Floor, now: cfg.Clock.Now().Wall.Earliest}
	d.due.closing = c
	for more := true; more; {
		page := time.Now()
		found, end, err := p.page()
		if err != nil { // a page that cannot be read is damage, which is mended elsewhere
			cfg.Store.NoteDamage(err)
			break
		}
		looked := time.Since(page)
		if !d.drop(found, &p.closing) {
			return
		}
		more = !end && d.rest(pageRests*looked)
	}
	if p.want > p.floor {
		cfg.Loop.Notify(replica.Promise{Floor: p.want})
	}
	d.due.left, d.due.next = p.left, time.Now().Add(time.Since(began))
}

// rest reports whether the leader goes on.
func (d *deleted) rest(pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-d.collector.cfg.Loop.Done():
		return false
	case <-t.C:
		return true
	}
}

// pass is one pass under way.
type pass struct {
	*deleted
	closing stable.Closing
	floor   wallclock.Instant // promised here
	now     wallclock.Instant // nothing beyond it can be promised
	after   string            // the last key looked at
	want    wallclock.Instant // what is to be promised here
	left    bool              // see due
}

// page is the keys, of the next that were looked at, of which what is left may go.
func (p *pass) page() (found []string, end bool, err error) {
	visited, bytes := 0, 0
	err = p.collector.cfg.Store.Keys(p.after, func(key, object []byte) (bool, error) {
		if visited++; p.after != "" && (visited > pageKeys || bytes >= pageBytes) {
			return false, nil
		}
		bytes += len(object)
		p.after = string(key)
		o, err := codec.DecodeLent(object, p.after)
		if err == nil && p.closes(o) {
			found = append(found, p.after)
		}
		return true, err
	})
	return found, visited <= pageKeys && bytes < pageBytes, err
}

// closes reports whether what is left of the key may go, and notes what is missing for that.
func (p *pass) closes(o *resolve.Object) bool {
	needs, outside := p.closing.Needs(o)
	switch {
	case !outside:
		return false
	case needs <= p.closing.Floor:
		return true
	case needs < p.now:
		p.want = max(p.want, needs)
	}
	p.left = true
	return false
}

// drop removes what is left of the keys, unless something was written there meanwhile, and
// returns once that is committed; false: the leader ends, or its disk has failed. Nobody is
// sent it and no op says it: all leaders do so by themselves.
func (d *deleted) drop(keys []string, c *stable.Closing) bool {
	if len(keys) == 0 {
		return true
	}
	cfg := &d.collector.cfg
	var open atomic.Int64
	open.Store(int64(len(keys)))
	all := make(chan struct{})
	done := func(dropped uint64) {
		d.dropped.Add(dropped)
		if open.Add(-1) == 0 {
			close(all)
		}
	}
	for _, key := range keys {
		cfg.Loop.Mend(&host.Mend{
			Object: &resolve.Object{Key: key},
			Fits: func(present *resolve.Object) bool {
				closed := c.Closed(present)
				if !closed {
					done(0)
				}
				return closed
			},
			Done: func() { done(1) },
		})
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-all:
			return true
		case <-cfg.Loop.Done():
			return false
		case <-tick.C:
			if cfg.Store.Disk().Err() != nil {
				return false
			}
		}
	}
}

// Deletions is what is left of what was deleted, as a leader shows it. A collector that is
// nil knows of nothing.
func (c *Collector) Deletions() (s console.Deletions) {
	if c == nil {
		return s
	}
	if n := c.deleted.counted.Load(); n != nil {
		s.Keys, s.Tombstones, s.Voids = n.Keys, n.Versions, n.Voids
	}
	s.Dropped = c.deleted.dropped.Load()
	return s
}
