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
	limit := limit(span, skew)
	if limit < 1 {
		return limit
	}
	return max(1, min(float64(minDifference)/float64(fine), limit, maxFactor))
}

// limit is how far a story may be stretched.
func limit(span, skew time.Duration) float64 {
	limit := float64(maxStory) / float64(max(span, time.Millisecond))
	if limit >= 1 && skew > 0 && skew < maxSkew {
		limit = min(limit, float64(maxSkew)/float64(skew))
	}
	return limit
}

// slower is the plan for the next attempt on a machine that is too busy for this one:
// differences are twice as large, where that is within the limit.
func (p Plan) slower(s *script.Scenario) Plan {
	span := last(s) - idle(s)
	p.Factor = max(p.Factor, min(2*p.Factor, limit(span, skew(s))))
	p.Story = time.Duration(float64(span) * p.Factor)
	return p
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
	if s.Settings.Simulated() { // leaders judge clocks in their own time, which no script can tell
		return "settings exist in the simulation only, but for quarantine=warn"
	}
	for _, e := range s.Events {
		if _, ok := e.Action.(script.Forget); ok {
			return fmt.Sprintf("%q: leaders are forgotten in the simulation only", e.Action)
		}
		if op, ok := e.Action.(script.ClientOp); ok && op.Touches() {
			return fmt.Sprintf("%q: real leaders end values in their own time", e.Action)
		}
		if why := beyond(e.Action); why != "" {
			return fmt.Sprintf("%q: %s", e.Action, why)
		}
		if op, ok := e.Action.(script.ClientOp); ok && (op.Lock != "" || op.Pause > 0) {
			return fmt.Sprintf("%q: locks, and clients that stand still, are played in the simulation only", op)
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

// scale is the script with every duration multiplied by f and what is idle at its
// begin cut down to less than a second. Clocks, links and waits are scaled alike,
// so that all comparisons between them come out as they did. Rates and drifts are
// shares and stay.
func scale(s *script.Scenario, f float64) *script.Scenario {
	k := scaler{factor: f, idle: idle(s)}
	c := s.Clone()
	for i := range c.Setup {
		c.Setup[i].Action = k.action(c.Setup[i].Action)
	}
	c.Setup = append([]script.Setup{{Action: script.LinkFault{Delay: script.Some(k.time(unsaidDelay))}}}, c.Setup...)
	for i := range c.Clients {
		c.Clients[i].Timeout = k.time(c.Clients[i].Timeout)
	}
	for i := range c.Events {
		c.Events[i].Trigger = k.trigger(c.Events[i].Trigger)
		c.Events[i].Action = k.action(c.Events[i].Action)
	}
	c.Settle = max(c.Settle, k.time(c.Settle))
	return c
}

// unsaidDelay is how long a message takes where a script does not say.
const unsaidDelay = time.Millisecond

type scaler struct {
	factor float64
	idle   time.Duration
}

func (k scaler) time(d time.Duration) time.Duration {
	return time.Duration(float64(d) * k.factor).Round(time.Microsecond)
}

func (k scaler) trigger(t script.Trigger) script.Trigger {
	switch t := t.(type) {
	case script.At:
		t.Time = k.time(t.Time - k.idle)
		return t
	case script.After:
		t.Plus = k.time(t.Plus)
		return t
	case script.Every:
		t.From, t.Period = k.time(t.From-k.idle), k.time(t.Period)
		return t
	}
	return t
}

func (k scaler) action(a script.Action) script.Action {
	switch a := a.(type) {
	case script.ClientOp:
		a.Timeout = k.time(a.Timeout)
		return a
	case script.LinkFault:
		k.opt(&a.Delay)
		k.opt(&a.Jitter)
		return a
	case script.ClockFault:
		k.opt(&a.Offset)
		k.opt(&a.Error)
		k.opt(&a.Step)
		k.opt(&a.Freeze)
		a.Strobe.Value.Amplitude = k.time(a.Strobe.Value.Amplitude)
		a.Strobe.Value.Period = k.time(a.Strobe.Value.Period)
		return a
	case script.Pause:
		a.For = k.time(a.For)
		return a
	}
	return a
}

func (k scaler) opt(o *script.Opt[time.Duration]) { o.Value = k.time(o.Value) }

// idle is the whole seconds before the first event: nothing happens in them. A
// clock that drifts or strobes goes by them all the same.
func idle(s *script.Scenario) time.Duration {
	first := time.Duration(-1)
	for _, e := range s.Events {
		if at, _, ok := e.Timed(); ok && (first < 0 || at < first) {
			first = at
		}
	}
	for a := range s.Actions() {
		if restless(a) {
			return 0
		}
	}
	return max(0, first).Truncate(time.Second)
}

// restless reports whether the action makes a clock that depends on true time.
func restless(a script.Action) bool {
	c, ok := a.(script.ClockFault)
	return ok && (c.DriftPPM.Set && c.DriftPPM.Value != 0 || c.Strobe.Set && c.Strobe.Value.Period > 0)
}
