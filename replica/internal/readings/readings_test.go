package readings

import (
	"testing"

	"kvd/wallclock"
)

func TestStampsAreAboveTheFloorAndApart(t *testing.T) {
	at := func(e, l wallclock.Instant) wallclock.Interval { return wallclock.Interval{Earliest: e, Latest: l} }
	var r Readings
	for _, step := range []struct {
		wall   wallclock.Interval
		floor  wallclock.Instant
		stamp  wallclock.Interval
		lifted bool
	}{
		{at(90, 110), 0, at(90, 110), false},
		{at(90, 110), 0, at(91, 111), false}, // the same reading again
		{at(50, 70), 0, at(50, 70), false},   // a clock that steps back goes back
		{at(50, 70), 49, at(51, 71), false},
		{at(50, 70), 60, at(61, 70), true},
		{at(50, 70), 60, at(62, 71), true},
		{at(40, 60), 60, at(61, 61), true}, // another reading
		{at(-5, -3), 0, at(-5, -3), false}, // nothing is promised
		{at(30, 50), 60, at(61, 61), true},
		{at(31, 51), 60, at(62, 62), true}, // lifted to the same stamp
	} {
		if stamp, lifted := r.Stamp(step.wall, step.floor); stamp != step.stamp || lifted != step.lifted {
			t.Errorf("reading %v above %d gives %v, lifted %t; want %v, %t", step.wall, step.floor, stamp, lifted, step.stamp, step.lifted)
		}
	}
}
