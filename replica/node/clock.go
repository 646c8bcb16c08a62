package node

import (
	"sync"
	"time"

	"kvd/wallclock"
)

// clock is this machine's clocks with faults laid over the calendar one. The
// stopwatch is never touched: timers go by it.
type clock struct {
	system wallclock.System

	mu     sync.Mutex
	skewed wallclock.Skewed
}

// newClock claims the error for the calendar clock unless the faults claim
// another. Drift begins at since; zero: now.
func newClock(err time.Duration, f wallclock.Faults, since wallclock.Instant) *clock {
	c := &clock{system: wallclock.NewSystem(0)}
	if f.Error == 0 {
		f.Error = err
	}
	if since == 0 {
		since = c.trueTime()
	}
	c.skewed = wallclock.NewSkewed(f, since)
	return c
}

// trueTime is what the machine itself believes.
func (c *clock) trueTime() wallclock.Instant { return c.system.Now().Wall.Midpoint() }

// Now reads both clocks.
func (c *clock) Now() wallclock.Moment {
	m := c.system.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	m.Wall = c.skewed.Read(m.Wall.Midpoint())
	return m
}

// change lets f make another clock of this one, at this moment.
func (c *clock) change(f func(wallclock.Skewed, wallclock.Instant) wallclock.Skewed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skewed = f(c.skewed, c.trueTime())
}
