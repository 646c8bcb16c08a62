package resolve

import (
	"math"
	"strconv"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
	"kvd/wallclock"
)

// A value may have a deadline, an instant that its author chose, from which it is no
// longer shown. What a read shows therefore depends on the time, which is an argument.
// Folding does not depend on it: a version whose deadline has passed is kept until an op
// deletes it, so leaders with equal frontiers hold equal objects however their clocks
// differ.

// Expired reports whether the version's deadline has passed at now.
func (v *Version) Expired(now wallclock.Instant) bool { return v.Expires != 0 && v.Expires <= now }

// HasTTL reports whether any version of o has a deadline, passed or not. False: what
// o shows does not depend on time.
func (o *Object) HasTTL() bool {
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Expires != 0 && !v.Deleted() || len(v.Count.Deadlines) > 0 {
			return true
		}
	}
	return false
}

// Reading is what a reader is shown of a key.
type Reading struct {
	Values [][]byte      // several: siblings; none: absent. Shared, immutable
	Dots   []logical.Dot // the versions behind them, and the deletions that they reflect
}

// Read is [Panel.ReadAt] before any deadline.
func (p Panel) Read(o *Object, h History) Reading {
	r, _ := p.ReadAt(o, h, math.MinInt64)
	return r
}

// ReadAt shows the key under the serving resolver at now, and the deadline of the value
// shown first; zero: never. Expired values are left out; their dots are among the
// reading's, as those of deletions are. Several dots of one request are shown once. A
// counter expires as a whole (see [Object.Deadline]).
func (p Panel) ReadAt(o *Object, h History, now wallclock.Instant) (Reading, wallclock.Instant) {
	var r Reading
	ends := p.ReadTo(&r, o, h, now)
	return r, ends
}

// ReadTo is ReadAt in the place of what r was. The memory of r's slices is used again.
func (p Panel) ReadTo(r *Reading, o *Object, h History, now wallclock.Instant) (ends wallclock.Instant) {
	r.Values, r.Dots = r.Values[:0], r.Dots[:0]
	if p.Serving == Counter {
		return p.countTo(r, o, now)
	}
	var buf [8]int
	var shown dotset.Index
	for _, i := range p.Survivors(o, p.Serving, buf[:0]) {
		v := &o.Versions[i]
		if !v.Deleted() && !v.Expired(now) && !o.repeats(v.Dot, &shown, h) {
			if len(r.Values) == 0 {
				ends = v.Expires
			}
			r.Values = append(r.Values, v.Value)
		}
		r.Dots = append(r.Dots, v.Dot)
		if o.Duplicates {
			shown.Add(v.Dot)
		}
	}
	r.Dots = p.tombstones(o, r.Dots)
	return ends
}

// countTo is ReadTo of a counter.
func (p Panel) countTo(r *Reading, o *Object, now wallclock.Instant) wallclock.Instant {
	r.Dots = p.shown(o, r.Dots)
	e, _ := o.Deadline()
	sum, live := o.Sum()
	if !live || e.Expires != 0 && e.Expires <= now {
		return 0
	}
	r.Values = append(r.Values, strconv.AppendInt(nil, sum.Clamp(), 10))
	return e.Expires
}

// Expired appends the dots of the versions shown that have expired at now: what an
// expiry deletes. Of a counter it is all shares or none.
func (p Panel) Expired(o *Object, now wallclock.Instant, dst []logical.Dot) []logical.Dot {
	if !o.HasTTL() {
		return dst
	}
	if p.Serving == Counter {
		if e, _ := o.Deadline(); e.Expires == 0 || e.Expires > now {
			return dst
		}
	}
	var buf [8]int
	for _, i := range p.Survivors(o, p.Serving, buf[:0]) {
		if v := &o.Versions[i]; !v.Deleted() && (p.Serving == Counter || v.Expired(now)) {
			dst = append(dst, o.Versions[i].Dot)
		}
	}
	return dst
}

// JustAbove is the stamps of an op that expires the versions named: of each kind the next
// one after all of theirs, or the last there is. The caller fills in At.
func (o *Object) JustAbove(dots []logical.Dot) *Expiry {
	e := &Expiry{}
	none := true
	for _, d := range dots {
		i, ok := o.Find(d)
		if !ok {
			continue
		}
		v := &o.Versions[i]
		if none || v.Wall.Midpoint() > e.Wall.Midpoint() {
			e.Wall = v.Wall
		}
		if none || v.HLC.Compare(e.HLC) > 0 {
			e.HLC = v.HLC
		}
		e.Lamport, none = max(e.Lamport, v.Lamport), false
	}
	if e.Wall.Latest < math.MaxInt64 {
		e.Wall.Earliest, e.Wall.Latest = e.Wall.Earliest+1, e.Wall.Latest+1
	}
	if next := e.HLC.Next(e.HLC.Wall); next.Compare(e.HLC) > 0 {
		e.HLC = next
	}
	e.Lamport = max(e.Lamport, e.Lamport.Next())
	return e
}
