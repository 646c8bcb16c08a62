package resolve

import (
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
func (o *Object) Mortal() bool {
	for i := range o.Versions {
		if o.Versions[i].Expires != 0 {
			return true
		}
	}
	return false
}

// ReadAt shows the key under the serving resolver at now, and when the value
// shown first ends; zero: never. Values that have ended are left out; their dots
// stand among the reading's, as those of deletions do. A counter ends when every
// share of it has: until then all of them count.
func (p Panel) ReadAt(o *Object, h History, now wallclock.Instant) (Reading, wallclock.Instant) {
	if !o.Mortal() {
		return p.Read(o, h), 0
	}
	if p.Serving == Counter {
		return p.countAt(o, now)
	}
	var idx [8]int
	var r Reading
	var ends wallclock.Instant
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		v := &o.Versions[i]
		if !v.Deleted() && !v.Expired(now) && !o.repeats(v.Dot, r.Dots, h) {
			if len(r.Values) == 0 {
				ends = v.Expires
			}
			r.Values = append(r.Values, v.Value)
		}
		r.Dots = append(r.Dots, v.Dot)
	}
	return r, ends
}

// countAt is ReadAt of a counter.
func (p Panel) countAt(o *Object, now wallclock.Instant) (Reading, wallclock.Instant) {
	r := Reading{Dots: p.shown(o)}
	ends, mortal := p.countEnds(o)
	sum, live := o.Sum()
	if !live || mortal && ends <= now {
		return r, 0
	}
	r.Values = [][]byte{strconv.AppendInt(nil, sum, 10)}
	return r, ends
}

// countEnds is when the last share of a counter ends; false: one never does, or
// there is none.
func (p Panel) countEnds(o *Object) (wallclock.Instant, bool) {
	var idx [8]int
	var last wallclock.Instant
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		if o.Versions[i].Expires == 0 {
			return 0, false
		}
		last = max(last, o.Versions[i].Expires)
	}
	return last, last != 0
}

// Ended appends the dots of the versions shown whose values have ended at now:
// what an expiry deletes. Of a counter it is all shares or none.
func (p Panel) Ended(o *Object, now wallclock.Instant, dst []logical.Dot) []logical.Dot {
	if !o.Mortal() {
		return dst
	}
	if p.Serving == Counter {
		if ends, mortal := p.countEnds(o); !mortal || ends > now {
			return dst
		}
	}
	var idx [8]int
	for _, i := range p.Survivors(o, p.Serving, idx[:0]) {
		if o.Versions[i].Expired(now) {
			dst = append(dst, o.Versions[i].Dot)
		}
	}
	return dst
}
