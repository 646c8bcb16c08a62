package wallclock

import (
	"fmt"
	"time"
)

// Instant is a reading of a calendar clock: nanoseconds since 1970 UTC. It can
// go backwards between two readings.
type Instant int64

// Add moves the instant by d.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub is how far i lies after j.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// Time converts to UTC calendar time.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)).UTC() }

// Mono is a reading of a stopwatch: nanoseconds since some start that means
// nothing elsewhere. It never goes backwards; it has no encoding on purpose.
type Mono int64

// Add moves the reading by d.
func (m Mono) Add(d time.Duration) Mono { return m + Mono(d) }

// Sub is the time passed from n to m.
func (m Mono) Sub(n Mono) time.Duration { return time.Duration(m - n) }

// Interval is a reading of a calendar clock with the error it claims: true time
// is between Earliest and Latest, both included, if the claim holds.
type Interval struct {
	Earliest, Latest Instant
}

// Around is the interval of half-width err about i.
func Around(i Instant, err time.Duration) Interval {
	return Interval{Earliest: i.Add(-err), Latest: i.Add(err)}
}

// Midpoint is what a clock without a claim would have shown.
func (v Interval) Midpoint() Instant { return v.Earliest + (v.Latest-v.Earliest)/2 }

// HalfWidth is the claimed error.
func (v Interval) HalfWidth() time.Duration { return v.Latest.Sub(v.Earliest) / 2 }

// Before reports whether every instant of v is before every instant of w. When
// neither is before the other, the clocks cannot say which came first.
func (v Interval) Before(w Interval) bool { return v.Latest < w.Earliest }

// Contains reports whether i lies within v.
func (v Interval) Contains(i Instant) bool { return v.Earliest <= i && i <= v.Latest }

// String renders the midpoint and the claimed error.
func (v Interval) String() string {
	return fmt.Sprintf("%s±%s", v.Midpoint().Time().Format("15:04:05.000000"), v.HalfWidth())
}

// Moment is both clocks of one machine, read at once.
type Moment struct {
	Mono Mono
	Wall Interval
}

// pastRate is how much longer than true time the stopwatch may have to show, in parts of
// one, because it may run fast.
const pastRate = slewRate / (1 - slewRate)

// maxPast bounds how far ahead a stamp is looked at: about 73 years.
const maxPast = time.Duration(1 << 61)

// Past is from when on, by the stopwatch, all of the stamp surely lies in the past: true
// time was Earliest or later at m, if the claim of m's clock holds, and what has passed
// since is counted by the stopwatch alone. So a clock that is set meanwhile makes it neither
// sooner nor later. It is the commit-wait of Spanner (Corbett et al. 2012, section 4.1.2):
// for the stamp that was read at m it is twice the claimed error.
func (m Moment) Past(stamp Interval) Mono {
	wait := stamp.Latest.Sub(m.Wall.Earliest)
	if stamp.Latest <= m.Wall.Earliest {
		wait = 0
	} else if wait < 0 || wait > maxPast {
		wait = maxPast
	}
	return m.Mono.Add(wait + rated(wait, pastRate) + 1)
}
