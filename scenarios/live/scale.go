package live

import (
	"time"

	"kvd/scenarios/script"
)

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
