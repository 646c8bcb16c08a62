package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvd/replica"
	"kvd/replica/link"
	"kvd/replica/resp"
	"kvd/wallclock"
)

const faultHelp = "use CLOCK, LINK peer or CLEAR, followed by name=value: of a clock offset, step, drift (parts per million), error, freeze, strobe (amplitude/period or off); of a link delay, jitter, loss, duplicate, overtake, cut; durations as in 250ms"

// plantFault is KVD.FAULT.
func (l *Leader) plantFault(_ context.Context, args [][]byte, w *resp.Writer) error {
	words := make([]string, 0, len(args))
	for _, a := range args[1:] {
		words = append(words, string(a))
	}
	var err error
	switch kind := strings.ToUpper(words[0]); {
	case kind == "CLEAR" && len(words) == 1:
		l.faults.Clear()
		l.clock.change(func(_ wallclock.Skewed, at wallclock.Instant) wallclock.Skewed {
			return wallclock.NewSkewed(wallclock.Faults{Error: l.cfg.ClockError}, at)
		})
	case kind == "CLOCK" && len(words) > 1:
		err = l.faultClock(words[1:])
	case kind == "LINK" && len(words) > 2:
		err = l.faultLink(words[1], words[2:])
	default:
		err = errors.New(faultHelp)
	}
	if err != nil {
		return err
	}
	l.cfg.Logger.Warn("a fault was planted", "leader", l.cfg.Name, "fault", strings.Join(words, " "))
	w.Simple("OK")
	return nil
}

// faultClock changes what is named and leaves the rest.
func (l *Leader) faultClock(pairs []string) (err error) {
	l.clock.change(func(s wallclock.Skewed, at wallclock.Instant) wallclock.Skewed {
		f := s.Faults()
		var step, freeze time.Duration
		err = readPairs(pairs, map[string]func(string) error{
			"offset": into(&f.Offset, time.ParseDuration), "step": into(&step, time.ParseDuration), "drift": into(&f.Drift, number),
			"error": into(&f.Error, positive), "freeze": into(&freeze, positive), "strobe": into(&f.Strobe, readStrobe),
		})
		if err != nil {
			return s
		}
		if s = s.With(f, at).Step(step); freeze > 0 {
			s = s.Freeze(at, freeze)
		}
		return s
	})
	return err
}

// readPairs reads each name=value as what the name stands for.
func readPairs(pairs []string, known map[string]func(value string) error) error {
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		err := errors.New(faultHelp)
		if read := known[name]; read != nil {
			err = read(value)
		}
		if err != nil {
			return fmt.Errorf("fault %s: %w", pair, err)
		}
	}
	return nil
}

// into reads a value to where it belongs.
func into[T any](to *T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*to, err = parse(text)
		return err
	}
}

func number(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

func positive(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is below zero", d)
	}
	return d, err
}

// faultLink replaces what goes wrong on the way to a peer.
func (l *Leader) faultLink(peer string, pairs []string) error {
	if _, known := l.members.View().Find(peer); !known || peer == l.cfg.Name {
		return fmt.Errorf("fault: %s is no other leader; KVD.MEMBERS lists them", peer)
	}
	var f link.LinkFault
	err := readPairs(pairs, map[string]func(string) error{
		"delay": into(&f.Delay, positive), "jitter": into(&f.Jitter, positive), "loss": into(&f.Loss, number),
		"duplicate": into(&f.Duplicate, number), "overtake": into(&f.Overtake, number), "cut": into(&f.Cut, onOff),
	})
	if err = cmp.Or(err, f.Validate()); err != nil {
		return err
	}
	return l.faults.Set(replica.Leader(peer), f)
}

func onOff(text string) (bool, error) {
	if text != "on" && text != "off" {
		return false, errors.New("say on or off")
	}
	return text == "on", nil
}

// readStrobe reads AMPLITUDE/PERIOD, or off.
func readStrobe(text string) (wallclock.Strobe, error) {
	if text == "off" {
		return wallclock.Strobe{}, nil
	}
	amplitude, period, ok := strings.Cut(text, "/")
	if !ok {
		return wallclock.Strobe{}, errors.New("say amplitude/period, as in 1s/200ms, or off")
	}
	a, err := positive(amplitude)
	if err != nil {
		return wallclock.Strobe{}, err
	}
	p, err := time.ParseDuration(period)
	if err == nil && p <= 0 {
		err = errors.New("a period is above zero")
	}
	return wallclock.Strobe{Amplitude: a, Period: p}, err
}

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
	f.Error = cmp.Or(f.Error, err)
	c.skewed = wallclock.NewSkewed(f, cmp.Or(since, c.trueTime()))
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
