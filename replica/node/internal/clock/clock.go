// Package clock is a leader's clocks: the calendar clock as the sources of time say that it
// is, the faults that were planted in it, and the stopwatch, which nothing touches.
package clock

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"kvd/replica/console"
	"kvd/wallclock"
	"kvd/wallclock/source"
)

// Config is how a leader judges its clock.
type Config struct {
	// Sources are asked how right it is, by source.Parse; empty: nobody is, and Claim is
	// believed. Claim is the half-width of the error until somebody answers.
	Sources string
	Claim   time.Duration
	// Faults are planted in it. Drift begins at Since; zero: at the start.
	Faults wallclock.Faults
	Since  wallclock.Instant
	Logger *slog.Logger
}

// Kinds is what Config.Sources takes.
const Kinds = source.Kinds

// Clock reads a leader's clocks. End it with Close.
type Clock struct {
	keeper *source.Keeper
	asked  string

	mu      sync.Mutex
	planted bool // the faults are not all zero
	skewed  wallclock.Skewed
}

// Validate says what is wrong with how the clock is to be judged.
func (c Config) Validate() error {
	_, err := c.parse()
	return err
}

func (c Config) parse() ([]source.Source, error) {
	return source.Parse(cmp.Or(c.Sources, source.Claimed), c.Claim)
}

// New asks the sources once, as long as the context lasts, and then goes on to ask them.
func New(ctx context.Context, cfg Config) (*Clock, error) {
	sources, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	c := &Clock{asked: cmp.Or(cfg.Sources, source.Claimed)}
	c.keeper = source.Keep(ctx, wallclock.NewSystem(0).Now, cfg.Claim, sources, func(r source.Report) { c.tell(cfg.Logger, r) })
	c.plant(wallclock.NewSkewed(cfg.Faults, cmp.Or(cfg.Since, c.trueTime())))
	return c, nil
}

// tell says in the log what changed. That nobody answers is a warning where somebody was
// named, or answered before.
func (c *Clock) tell(log *slog.Logger, r source.Report) {
	level := slog.LevelInfo
	if !r.Answers && (c.asked != "auto" || r.Source != source.Claimed) {
		level = slog.LevelWarn
	}
	words := []any{"source", r.Source, "answers", r.Answers, "steps", r.Steps}
	for _, s := range r.Sources {
		words = append(words, s.Name, cmp.Or(s.Unavailable, s.Reason))
	}
	log.Log(context.Background(), level, "the clock is judged anew", words...)
}

// Close ends the asking. The clock can be read on.
func (c *Clock) Close() { c.keeper.Close() }

// trueTime is what the machine itself believes.
func (c *Clock) trueTime() wallclock.Instant { return c.keeper.Now().Wall.Midpoint() }

// Now reads both clocks.
func (c *Clock) Now() wallclock.Moment {
	m := c.keeper.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planted {
		err := cmp.Or(c.skewed.Faults().Error, m.Wall.HalfWidth())
		m.Wall = wallclock.Around(c.skewed.Shows(m.Wall.Midpoint()), err)
	}
	return m
}

// Change lets f make another clock of this one, at this moment.
func (c *Clock) Change(f func(wallclock.Skewed, wallclock.Instant) wallclock.Skewed) {
	at := c.trueTime()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plant(f(c.skewed, at))
}

func (c *Clock) plant(s wallclock.Skewed) {
	c.skewed, c.planted = s, !s.Plain()
}

// Status is what is known of the clock, for people.
func (c *Clock) Status() console.Clock {
	r := c.keeper.Report()
	s := console.Clock{Asked: c.asked, Source: r.Source, Answers: r.Answers,
		AgeSeconds: r.Age.Seconds(), Steps: r.Steps, Contradictions: r.Contradictions, Sources: []console.ClockSource{}}
	for _, one := range r.Sources {
		said := console.ClockSource{Name: one.Name, Used: one.Used, Reason: one.Reason, Unavailable: one.Unavailable}
		if one.Unavailable == "" {
			said.Ahead = &console.Offset{Earliest: one.Ahead.Earliest.Seconds(), Latest: one.Ahead.Latest.Seconds()}
		}
		s.Sources = append(s.Sources, said)
	}
	return s
}
