package resolve

import (
	"math"
	"strconv"

	"kvd/logical"
	"kvd/wallclock"
)

// A value may end: at its deadline, an instant that its author chose, it is no
// longer shown. What is shown therefore depends on when one looks, and time is an
// argument here as everywhere. Folding does not look: a version whose deadline
// has passed is kept until an op deletes it, so leaders with equal frontiers hold
// equal objects however their clocks differ.

// Expired reports whether the version's value has ended at now.
func (v *Version) Expired(now wallclock.Instant) bool { return v.Expires != 0 && v.Expires <= now }

// Mortal reports whether any version of o has a deadline, passed or not. False:
// what o shows does not depend on time.
func (o *Object) HasTTL() bool {
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Expires != 0 && !v.Deleted() || len(v.Count.Deadlines) > 0 {
			return true
		}
	}
	return false
}

// ReadAt shows the key under the serving resolver at now, and when the value
// shown first ends; zero: never. Values that have ended are left out; their dots
// stand among the reading's, as those of deletions do. A counter ends as a whole
// (see [Object.Ending]).
func (p Panel) ReadAt(o *Object, h History, now wallclock.Instant) (Reading, wallclock.Instant) {
	if !o.HasTTL() {
		return p.Read(o, h), 0
	}
	if p.Serving == Counter {
		return p.countAt(o, now)
	}
	var idx [8]int
	var shown dotIndex
	var r Reading
	var ends wallclock.Instant
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		v := &o.Versions[i]
		if !v.Deleted() && !v.Expired(now) && !o.repeats(v.Dot, &shown, h) {
			if len(r.Values) == 0 {
				ends = v.Expires
			}
			r.Values = append(r.Values, v.Value)
		}
		r.Dots = append(r.Dots, v.Dot)
		if o.Duplicates {
			shown.add(v.Dot)
		}
	}
	r.Dots = p.tombstones(o, r.Dots)
	return r, ends
}

// countAt is ReadAt of a counter.
func (p Panel) countAt(o *Object, now wallclock.Instant) (Reading, wallclock.Instant) {
	r := Reading{Dots: p.shown(o)}
	e, _ := o.Deadline()
	sum, live := o.Sum()
	if !live || e.Expires != 0 && e.Expires <= now {
		return r, 0
	}
	r.Values = [][]byte{strconv.AppendInt(nil, sum.Clamp(), 10)}
	return r, e.Expires
}

// Ended appends the dots of the versions shown whose values have ended at now:
// what an expiry deletes. Of a counter it is all shares or none.
func (p Panel) Expired(o *Object, now wallclock.Instant, dst []logical.Dot) []logical.Dot {
	if !o.HasTTL() {
		return dst
	}
	if p.Serving == Counter {
		if e, _ := o.Deadline(); e.Expires == 0 || e.Expires > now {
			return dst
		}
	}
	var idx [8]int
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		if v := &o.Versions[i]; !v.Deleted() && (p.Serving == Counter || v.Expired(now)) {
			dst = append(dst, o.Versions[i].Dot)
		}
	}
	return dst
}

// JustAbove is the stamps of an op that ends the versions named: the next of each
// kind after all that they bear, or the last there is. When that was is still to be
// filled in.
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
