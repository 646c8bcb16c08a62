package wallclock

import (
	"slices"
	"time"
)

// Agreement is the time that a machine and its peers agree on. Values expire by this
// clock, so that no single machine's clock can expire them. The stopwatch carries it from
// one observation to the next, and it follows the median of all clocks known. A step of
// it is believed where most clocks confirm it, or else once it has lasted. It is a value;
// the zero Agreement has observed no clock yet.
type Agreement struct {
	base     Instant // the agreed time less the stopwatch, as of at
	lowest   Instant // the same of the lowest clock, where two contradict each other
	at       Mono    // of the last observation
	observed bool
	stepped  bool // the clocks have left the agreed time since
	since    Mono
}

// Trust is when a clock is believed.
type Trust struct {
	Near time.Duration // clocks no further apart than this agree
	Hold time.Duration // a step that nobody confirms is believed when it has lasted this long
}

// Observe is what is agreed at m, when the peers' clocks that are known show what is in
// peers. Peers is sorted in place, and may be overwritten.
func (a Agreement) Observe(m Moment, peers []Instant, t Trust) Agreement {
	own := m.Wall.Midpoint()
	clocks := append(peers, own)
	slices.Sort(clocks)
	next := clocks[(len(clocks)-1)/2]
	before := a.Time(m.Mono)
	near := t.Near + time.Duration(drift(m.Mono.Sub(a.at)))
	agree := func(x, y Instant) bool { return x.Sub(y).Abs() <= near }
	two := len(clocks) == 2 && !agree(clocks[0], clocks[1])
	if two && a.observed && before.Sub(clocks[1]).Abs() < before.Sub(clocks[0]).Abs() {
		next = clocks[1]
	}
	switch {
	case !a.observed, agree(next, before), confirmed(clocks, next, agree):
		a.stepped = false
	case !a.stepped:
		a.stepped, a.since = true, m.Mono
		next = before
	case m.Mono.Sub(a.since) < t.Hold:
		next = before
	default:
		a.stepped = false
	}
	a.base, a.at, a.observed = next-Instant(m.Mono), m.Mono, true
	a.lowest = a.base
	if two {
		a.lowest = min(a.base, clocks[0]-Instant(m.Mono))
	}
	return a
}

// confirmed reports whether most clocks, and at least two, show next.
func confirmed(clocks []Instant, next Instant, agree func(x, y Instant) bool) bool {
	n := 0
	for _, c := range clocks {
		if agree(c, next) {
			n++
		}
	}
	return n > 1 && 2*n > len(clocks)
}

// Time is the agreed time at m.
func (a Agreement) Time(m Mono) Instant { return a.base + Instant(m) }

// Surely is a time that no clock contradicts, where only two are known and they contradict
// each other; otherwise it is the agreed time. What cannot be undone waits for it.
func (a Agreement) Surely(m Mono) Instant { return a.lowest + Instant(m) }

// At is the moment of the last observation.
func (a Agreement) At() Mono { return a.at }

// Observed reports whether any clock was observed.
func (a Agreement) Observed() bool { return a.observed }
