package wallclock

import (
	"math"
	"time"
)

// maxRate is how much faster or slower another machine's calendar clock may run
// than our stopwatch, in parts of one: both are slewed by at most 500 parts per
// million where NTP disciplines them (RFC 5905, the frequency tolerance). A clock
// that departs faster is taken for one that was set.
const maxRate = 1e-3

// Remote is what is known of another machine's calendar clock: bounds of what it
// shows, kept against our stopwatch, so that a step of our own calendar clock
// does not change it and shows at once in [Remote.Offset]. It is a value; the
// zero Remote knows nothing.
//
// Nothing is assumed of how long messages take, only that none arrives before it
// was sent. A message says that its sender's clock has shown at least that much
// when it arrives: a lower bound. One that answers a message of ours says also
// what the clock showed at most as ours left: an upper bound. Together they are
// NTP's offset, give or take half the round trip (RFC 5905, section 8), and the
// narrowest rounds of late decide.
//
// The same messages, with the error that each claims, bound true time. Those bounds
// outlive a step of the clock: what it claimed before and after goes together, unless
// one of the claims was false.
type Remote struct {
	shows, truth bounds
	at           Mono // when it was last heard
	claims       time.Duration
}

// bounds is of a time less our stopwatch, as of the last message.
type bounds struct {
	low, high Instant
	sides     sides
}

type sides uint8

const (
	lowSide sides = 1 << iota
	highSide
	bothSides = lowSide | highSide
)

// Sample is what one message says of its sender's clock.
type Sample struct {
	Shows  Interval // the sender's clock as it left
	Got    Mono     // our stopwatch as it came
	Answer bool     // the sender had got a message of ours; the next two are about that one
	Sent   Mono     // our stopwatch as it left
	Held   time.Duration
}

// Offset is how far another machine's clock is ahead of ours; negative: behind.
type Offset struct{ Earliest, Latest time.Duration }

// Midpoint is the best guess.
func (o Offset) Midpoint() time.Duration { return o.Earliest + (o.Latest-o.Earliest)/2 }

// Hear is what is known after one more message. Bounds of before are widened by
// what the clocks may have drifted since; where the message contradicts them, the
// clock was set, and the message alone counts.
func (r Remote) Hear(s Sample) Remote {
	next, old := s.bounds(), r.aged(s.Got)
	next.shows, next.truth = old.shows.with(next.shows), old.truth.with(next.truth)
	return next
}

// with is what both bounds say; if they contradict each other, next alone.
func (old bounds) with(next bounds) bounds {
	both := next
	both.sides |= old.sides
	if old.sides&lowSide != 0 && old.low > both.low {
		both.low = old.low
	}
	if old.sides&highSide != 0 && (next.sides&highSide == 0 || old.high < both.high) {
		both.high = old.high
	}
	if both.sides == bothSides && both.low > both.high {
		return next
	}
	return both
}

// wider is the bounds moved apart by d on each side.
func (b bounds) wider(d Instant) bounds { return bounds{b.low - d, b.high + d, b.sides} }

// at is the interval at our moment m; false: one side is not known.
func (b bounds) at(m Mono) (Interval, bool) {
	return Interval{Earliest: b.low + Instant(m), Latest: b.high + Instant(m)}, b.sides == bothSides
}

// bounds is what the message says by itself. A sender that says it held ours
// longer than the whole round took says nothing of the upper bound.
func (s Sample) bounds() Remote {
	shows := s.Shows.Midpoint()
	b := bounds{low: shows - Instant(s.Got), sides: lowSide}
	slack := drift(s.Got.Sub(s.Sent)) // the bound is of when ours left
	if s.Answer && s.Held >= 0 && s.Held-time.Duration(slack) <= s.Got.Sub(s.Sent) {
		b.high, b.sides = shows-Instant(s.Sent)-Instant(s.Held)+slack, bothSides
	}
	claims := s.Shows.HalfWidth()
	return Remote{shows: b, truth: b.wider(Instant(claims)), at: s.Got, claims: claims}
}

// aged is the bounds as they have to be at now.
func (r Remote) aged(now Mono) Remote {
	d := drift(now.Sub(r.at))
	r.shows, r.truth, r.at = r.shows.wider(d), r.truth.wider(d), now
	return r
}

func drift(d time.Duration) Instant { return Instant(rated(d, maxRate)) }

// rated is what a clock that departs by rate, in parts of one, has departed after d.
func rated(d time.Duration, rate float64) time.Duration {
	return time.Duration(math.Ceil(float64(d.Abs()) * rate))
}

// Known reports whether both bounds are known: the machines have heard each other.
func (r Remote) Known() bool { return r.shows.sides == bothSides }

// Heard is when it was last heard, by our stopwatch; false: never.
func (r Remote) Heard() (Mono, bool) { return r.at, r.shows.sides != 0 }

// Claims is the half-width that the clock claims.
func (r Remote) Claims() time.Duration { return r.claims }

// Shows bounds what the clock shows at our moment m; what it claims of its own
// error is not in it. False: it is not known.
func (r Remote) Shows(m Mono) (Interval, bool) { return r.aged(m).shows.at(m) }

// Offset bounds how far the clock is ahead of ours at our moment m, each taken at
// the midpoint of what it claims. False: it is not known.
func (r Remote) Offset(m Moment) (Offset, bool) {
	theirs, ok := r.Shows(m.Mono)
	return theirs.against(m.Wall.Midpoint()), ok
}

// Truth bounds how far true time is ahead of what our clock shows at our moment m, if
// what the other clock claims holds. False: it is not known.
func (r Remote) Truth(m Moment) (Offset, bool) {
	truth, ok := r.aged(m.Mono).truth.at(m.Mono)
	return truth.against(m.Wall.Midpoint()), ok
}

// against is how far the interval is ahead of i.
func (v Interval) against(i Instant) Offset {
	return Offset{Earliest: v.Earliest.Sub(i), Latest: v.Latest.Sub(i)}
}
