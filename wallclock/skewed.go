package wallclock

import "time"

// Faults is how a calendar clock departs from true time. The zero value is a
// perfect clock that claims no error.
type Faults struct {
	Offset time.Duration // shown minus true time
	Drift  float64       // parts per million: how much faster than true time it runs
	Error  time.Duration // the half-width it claims; nothing makes it true
	Strobe Strobe        // swings between two readings
}

// Strobe swings a clock by plus and minus Amplitude, changing side every
// Period. A zero Period does not strobe.
type Strobe struct {
	Amplitude time.Duration
	Period    time.Duration
}

// Skewed is a calendar clock with faults. It is a value fed with true time: the
// same questions give the same answers. The zero value is a perfect clock.
type Skewed struct {
	faults Faults
	since  Instant // true time at which the present drift began
	drift  time.Duration
	frozen Instant // what it shows while frozen
	thaw   Instant // true time at which freezing ends
}

// NewSkewed is a clock that begins to drift at true time at.
func NewSkewed(f Faults, at Instant) Skewed { return Skewed{faults: f, since: at} }

// Faults is how the clock departs at present.
func (s Skewed) Faults() Faults { return s.faults }

// Plain reports whether the clock departs in no way.
func (s Skewed) Plain() bool { return s.faults == Faults{} && s.drift == 0 && s.thaw == 0 }

// With changes the faults at true time at. Drift gathered so far is kept.
func (s Skewed) With(f Faults, at Instant) Skewed {
	s.drift, s.since, s.faults = s.drifted(at), at, f
	return s
}

// Step moves the clock by d at once, as NTP does when slewing would take too
// long.
func (s Skewed) Step(d time.Duration) Skewed {
	s.faults.Offset += d
	return s
}

// Freeze holds the reading of true time at for d; afterwards the clock shows
// what it would have shown without.
func (s Skewed) Freeze(at Instant, d time.Duration) Skewed {
	s.frozen, s.thaw = s.Shows(at), at.Add(d)
	return s
}

// Thaws is the true time at which the clock runs again after it was frozen, even if that
// has passed.
func (s Skewed) Thaws() Instant { return s.thaw }

// Shows is what the clock shows at true time at.
func (s Skewed) Shows(at Instant) Instant {
	if at < s.thaw {
		return s.frozen
	}
	return at.Add(s.faults.Offset + s.drifted(at) + s.faults.Strobe.swing(at))
}

// Read is [Skewed.Shows] with the error the clock claims.
func (s Skewed) Read(at Instant) Interval { return Around(s.Shows(at), s.faults.Error) }

func (s Skewed) drifted(at Instant) time.Duration {
	return s.drift + time.Duration(float64(at.Sub(s.since))*s.faults.Drift/1e6)
}

func (s Strobe) swing(at Instant) time.Duration {
	if s.Period <= 0 {
		return 0
	}
	if (int64(at)/int64(s.Period))%2 == 0 {
		return s.Amplitude
	}
	return -s.Amplitude
}
