// Package readings makes of readings of the wall clock the stamps of ops.
//
// It reads no clock: whoever holds it brings the readings, and keeps what is promised.
package readings

import "kvd/wallclock"

// Readings is the readings that ops were stamped by. The zero Readings is ready.
type Readings struct {
	shown wallclock.Interval // the last one
	uses  wallclock.Instant  // how many ops were stamped by it
}

// Stamp is the stamp of one op by a reading. It lies above floor, which this leader has
// promised (see [Above]), and apart from the stamps before: everything one cycle drains
// shares its moment, and of two writes that one leader accepted in turn the later must not
// lose to the earlier by a coin's toss. So a reading that another op has used already is
// moved by a nanosecond for each. A clock that steps back still goes back, as far as the
// floor.
func (r *Readings) Stamp(wall wallclock.Interval, floor wallclock.Instant) (stamp wallclock.Interval, lifted bool) {
	stamp, lifted = Above(wall, floor)
	if stamp != r.shown {
		r.shown, r.uses = stamp, 0
	}
	stamp.Earliest, stamp.Latest = stamp.Earliest+r.uses, stamp.Latest+r.uses
	r.uses++
	return stamp, lifted
}

// Above is a reading all of which lies above the floor, and whether it had to be changed
// for that. The zero floor promises nothing.
func Above(wall wallclock.Interval, floor wallclock.Instant) (wallclock.Interval, bool) {
	if floor == 0 || wall.Earliest > floor {
		return wall, false
	}
	return wallclock.Interval{Earliest: floor + 1, Latest: max(wall.Latest, floor+1)}, true
}
