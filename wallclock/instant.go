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
