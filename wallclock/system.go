package wallclock

import "time"

// System is the machine's own clocks. Error is the half-width it claims for the
// calendar clock.
type System struct {
	start time.Time
	err   time.Duration
}

// NewSystem starts a stopwatch now and claims err for the calendar clock.
func NewSystem(err time.Duration) System { return System{start: time.Now(), err: err} }

// Now reads both clocks.
func (s System) Now() Moment {
	now := time.Now()
	return Moment{
		Mono: Mono(now.Sub(s.start)),
		Wall: Around(Instant(now.UnixNano()), s.err),
	}
}
