package wallclock

import (
	"slices"
	"time"
)

// maxSlew is how much a machine's stopwatch may run faster or slower than true time, in
// parts of one: whoever disciplines a clock slews it by at most 500 parts per million
// (RFC 5905, the frequency tolerance), and the stopwatch is slewed with it. slewRate is the
// same in parts of what the stopwatch shows.
const (
	maxSlew  = 500e-6
	slewRate = maxSlew / (1 - maxSlew)
)

// Bound is what a source of time says at one moment: how far true time is ahead of what
// this machine's calendar clock shows, at least and at most.
type Bound struct {
	Ahead Offset
	At    Moment // this machine's clocks at that moment; what they claim counts for nothing
}

// Estimate is what is known of true time between two bounds. The stopwatch carries it on,
// so that a step of the calendar clock does not change it, and it widens by what the
// stopwatch may have drifted. It is a value; the zero Estimate knows nothing.
type Estimate struct {
	low, high Instant // true time less the stopwatch, as of at
	at        Mono
	known     bool
}

// Hear is what is known after one more bound. Where the bound contradicts what was known,
// the stopwatch stood still or a source was wrong, and the newer one alone counts;
// contradicted says so.
func (e Estimate) Hear(b Bound) (next Estimate, contradicted bool) {
	base := b.At.Wall.Midpoint() - Instant(b.At.Mono)
	next = Estimate{low: base.Add(b.Ahead.Earliest), high: base.Add(b.Ahead.Latest), at: b.At.Mono, known: true}
	if !e.known {
		return next, false
	}
	old := e.aged(b.At.Mono)
	if old.high < next.low || next.high < old.low {
		return next, true
	}
	next.low, next.high = max(old.low, next.low), min(old.high, next.high)
	return next, false
}

// aged is the estimate as it has to be at m.
func (e Estimate) aged(m Mono) Estimate {
	d := Instant(rated(m.Sub(e.at), slewRate))
	e.low, e.high, e.at = e.low-d, e.high+d, m
	return e
}

// At is the interval that true time lies in at m; false: nothing is known.
func (e Estimate) At(m Mono) (Interval, bool) {
	now := e.aged(m)
	return Interval{Earliest: now.low + Instant(m), Latest: now.high + Instant(m)}, e.known
}

// Heard is when the newest bound was measured, by the stopwatch; false: never.
func (e Estimate) Heard() (Mono, bool) { return e.at, e.known }

// Agree is where true time lies if most of the sources are right: between the lowest and
// the highest point that a majority of all n that were asked have in common. Marzullo's
// smallest interval (1984) would be narrower, and need not hold it: a source that is wrong
// and overlaps the right ones could move it away. wrong lists the sources that lie wholly
// outside. False: no majority has anything in common.
func Agree(said []Offset, n int) (common Offset, wrong []int, ok bool) {
	type edge struct {
		at   time.Duration
		ends bool
	}
	var edges []edge
	for _, o := range said {
		edges = append(edges, edge{at: o.Earliest}, edge{at: o.Latest, ends: true})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(max(-1, min(1, a.at-b.at)))
		}
		if a.ends == b.ends {
			return 0
		}
		if b.ends { // what begins where another ends has that point in common
			return -1
		}
		return 1
	})
	quorum, covering := n/2+1, 0
	for _, e := range edges {
		if !e.ends {
			if covering++; covering == quorum && !ok {
				common.Earliest, ok = e.at, true
			}
			continue
		}
		if covering == quorum {
			common.Latest = e.at
		}
		covering--
	}
	for i, o := range said {
		if ok && (o.Latest < common.Earliest || common.Latest < o.Earliest) {
			wrong = append(wrong, i)
		}
	}
	return common, wrong, ok
}
