// Package clocks is what a leader makes of its own clock and of those of the others: the
// time that all agree on, by which deadlines go, and whether its own clock is right.
//
// It decides nothing about writes: whoever asks is told how far the clock is trusted.
package clocks

import (
	"fmt"
	"strings"
	"time"

	"kvd/replica/internal/config"
	"kvd/replica/internal/peerclock"
	"kvd/resolve"
	"kvd/wallclock"
	"kvd/wallclock/monitor"
)

// Times of the comparisons.
const (
	// observeEvery is how often the clocks are compared. Between two looks the agreed time
	// goes on by the stopwatch.
	observeEvery = 10 * time.Millisecond
	// judgeEvery is how often the own clock is judged.
	judgeEvery = 100 * time.Millisecond
	// maxSilence is how long a peer's clock counts for deadlines after it was last heard, and
	// fresh how long it counts as heard when clocks are judged.
	maxSilence = 10 * time.Minute
	fresh      = 5 * time.Second
)

// Peer is another leader, and what was measured of its clock.
type Peer struct {
	Name  config.Leader
	Meter *peerclock.Meter
}

// Clocks is what one leader knows. The zero Clocks has observed nothing.
type Clocks struct {
	agreed  wallclock.Agreement
	began   wallclock.Mono
	known   []wallclock.Instant // the peers', as of the last observation; scratch
	members int                 // that are configured, ourselves included; zero: nobody said

	judged  wallclock.Mono
	verdict *monitor.Verdict // nil: none yet; never changed
	guard   monitor.Guard
}

// Agreed is the time that this leader and its peers agree on, as of the last observation.
func (c *Clocks) Agreed() wallclock.Agreement { return c.agreed }

// Began is when the first observation was.
func (c *Clocks) Began() wallclock.Mono { return c.began }

// Alone reports whether no peer's clock was known at the last observation.
func (c *Clocks) Alone() bool { return len(c.known) == 0 }

// Configure says how many members there are, ourselves included. Until then there are as
// many as there are peers.
func (c *Clocks) Configure(members int) { c.members = members }

// State is what a leader makes of all clocks.
type State struct {
	Verdict *monitor.Verdict // the last one; nil: there is none yet. Nobody changes it
	Guard   monitor.Guard    // what follows from it and those before
}

// State is what is known now.
func (c *Clocks) State() State { return State{c.verdict, c.guard} }

// Observe compares our clock with what is known of the peers', once in a while. It reports
// whether our own clock was judged anew.
func (c *Clocks) Observe(m wallclock.Moment, peers func(yield func(Peer) bool), cfg *config.Config) (judged bool) {
	if c.agreed.Observed() && m.Mono.Sub(c.agreed.At()).Abs() < observeEvery {
		return false
	}
	if !c.agreed.Observed() {
		c.began = m.Mono
	}
	c.known = c.known[:0]
	for p := range peers {
		clock := p.Meter.Clock()
		shows, known := clock.Shows(m.Mono)
		if at, _ := clock.Heard(); known && m.Mono.Sub(at) <= maxSilence {
			c.known = append(c.known, min(max(m.Wall.Midpoint(), shows.Earliest), shows.Latest))
		}
	}
	c.agreed = c.agreed.Observe(m, c.known, wallclock.Trust{Near: cfg.ClockNear, Hold: cfg.ClockHold})
	if c.verdict != nil && m.Mono.Sub(c.judged).Abs() < judgeEvery {
		return false
	}
	c.judge(m, peers, cfg.Name)
	return true
}

// judge compares our clock with those that were heard of late.
func (c *Clocks) judge(m wallclock.Moment, peers func(yield func(Peer) bool), own config.Leader) {
	n, heard := 1, []monitor.Clock(nil)
	for p := range peers {
		n++
		clock := p.Meter.Clock()
		offset, known := clock.Offset(m)
		truth, told := clock.Truth(m)
		if at, _ := clock.Heard(); known && told && m.Mono.Sub(at) <= fresh {
			heard = append(heard, monitor.Clock{Member: string(p.Name), Offset: offset, Truth: truth, Claims: clock.Claims()})
		}
	}
	if c.members > 0 {
		n = max(c.members, len(heard)+1)
	}
	v := monitor.Judge(string(own), m.Wall.HalfWidth(), heard, n)
	c.judged, c.verdict, c.guard = m.Mono, &v, c.guard.Observe(&v, m.Mono)
}

// Suspected reports whether our clock was outside of late, and how far at most; positive:
// ahead.
func (c *Clocks) Suspected() (outside time.Duration, suspected bool) {
	return c.guard.Worst(), c.guard.Suspected()
}

// Refuses is the resolvers whose keys our clock must not stamp writes of, and why, for
// people; zero: there are none.
func (c *Clocks) Refuses(cfg *config.Config) (only resolve.Mask, why string) {
	if !c.guard.Quarantined() {
		return 0, ""
	}
	if only = cfg.Quarantine.Refuses(c.guard.Worst()); only == 0 {
		return 0, ""
	}
	worst, side := c.guard.Worst(), "ahead of"
	if worst < 0 {
		side = "behind"
	}
	keys := "writes of every key"
	if only != resolve.All {
		keys = "writes of keys that are served by " + strings.Join(only.Names(), ", ")
	}
	return only, fmt.Sprintf("it was %s %s all that %d of %d members can agree on, whatever messages take: %s are refused here; "+
		"write at another leader, and mend the time service of this machine. Writes are taken again by themselves when the clock has been right for %s",
		worst.Abs().Round(time.Microsecond), side, monitor.Quorum(c.verdict.Members), c.verdict.Members, keys, monitor.Return)
}
