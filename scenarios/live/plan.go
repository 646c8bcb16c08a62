package live

import (
	"fmt"
	"time"

	"kvd/scenarios/script"
)

// Plan is how a scenario is played against real processes.
type Plan struct {
	Only   string  // not empty: it can be played in the simulation only, and why
	Factor float64 // how much slower than true time it is played
	Story  time.Duration
	// Loose says that the script leaves to chance which writes have seen which, or
	// that it expects nothing in particular but that its promises are kept:
	// attempts are not held to the reference, and of the outcome only its shape
	// is expected.
	Loose bool
}

// Bounds on a plan.
const (
	maxStory      = 12 * time.Second       // a story compressed to fit, or stretched no further than
	minDifference = 40 * time.Millisecond  // what the smallest difference is stretched to
	maxFactor     = 40                     // stretching further only waits
	maxSkew       = 400 * time.Millisecond // a clock this far off is still absorbed by the drift guard
)

// exceptions are scenarios of the library that the general rule does not suit.
func exceptions(name string) (Plan, bool) {
	switch name {
	case "equal-stamps":
		return Plan{Only: "the clocks of two processes never agree to the nanosecond"}, true
	case "hot-set":
		return Plan{Factor: 1.25, Loose: true}, true
	}
	return Plan{}, false
}

// PlanFor decides whether and how fast a scenario can be played. Compressed it is
// to last at most 12 seconds; stretched it is until its smallest delay, offset or
// gap is well above what syncing a disk takes.
func PlanFor(s *script.Scenario) Plan {
	p, special := exceptions(s.Name)
	if why := unplayable(s); why != "" && p.Only == "" {
		p.Only = why
	}
	if p.Only != "" {
		return p
	}
	span := last(s) - idle(s)
	if !special {
		p.Factor = factor(span, fine(s), skew(s))
	}
	p.Story = time.Duration(float64(span) * p.Factor)
	p.Loose = p.Loose || len(s.Expect.Rows) == 0
	return p
}

// factor stretches the finest difference, as far as the span, and the drift
// guard, which is not stretched, allow.
func factor(span, fine, skew time.Duration) float64 {
	limit := float64(maxStory) / float64(max(span, time.Millisecond))
	if limit < 1 {
		return limit
	}
	if skew > 0 && skew < maxSkew {
		limit = min(limit, float64(maxSkew)/float64(skew))
	}
	return max(1, min(float64(minDifference)/float64(fine), limit, maxFactor))
}

// last is the true time of the last event whose time is known.
func last(s *script.Scenario) time.Duration {
	end := time.Duration(0)
	for _, e := range s.Events {
		_, at, _ := e.Timed()
		end = max(end, at)
	}
	return end
}

// unplayable says what the script asks for that real processes cannot do.
func unplayable(s *script.Scenario) string {
	if s.Settings != (script.Settings{}) {
		return "settings exist in the simulation only"
	}
	for _, e := range s.Events {
		if why := beyond(e.Action); why != "" {
			return fmt.Sprintf("%q: %s", e.Action, why)
		}
		if c, ok := e.Action.(script.Crash); ok && c.Unsynced != script.UnsyncedUnstated && c.Unsynced != script.UnsyncedKeep {
			return fmt.Sprintf("%q: a killed process cannot be made to lose what the system has taken from it", c)
		}
	}
	return ""
}

// fine is the smallest difference that the story may hang on: a delay, an offset,
// or the time between two events.
func fine(s *script.Scenario) time.Duration {
	f := minDifference
	for a := range s.Actions() {
		f = least(f, differences(a)...)
	}
	var at []time.Duration
	for _, e := range s.Events {
		if t, ok := e.Trigger.(script.After); ok {
			f = least(f, t.Plus)
		}
		if t, _, ok := e.Timed(); ok {
			at = append(at, t)
		}
	}
	for i := range at {
		for j := range i {
			f = least(f, (at[i] - at[j]).Abs())
		}
	}
	return f
}

func differences(a script.Action) []time.Duration {
	switch a := a.(type) {
	case script.LinkFault:
		return []time.Duration{a.Delay.Value}
	case script.ClockFault:
		return []time.Duration{a.Offset.Value.Abs(), a.Step.Value.Abs()}
	}
	return nil
}

func least(f time.Duration, others ...time.Duration) time.Duration {
	for _, d := range others {
		if d > 0 && d < f {
			f = d
		}
	}
	return f
}

// skew is the furthest that a clock is set wrong.
func skew(s *script.Scenario) time.Duration {
	most := time.Duration(0)
	for a := range s.Actions() {
		if c, ok := a.(script.ClockFault); ok {
			most = max(most, c.Offset.Value.Abs(), c.Step.Value.Abs(), c.Strobe.Value.Amplitude)
		}
	}
	return most
}
