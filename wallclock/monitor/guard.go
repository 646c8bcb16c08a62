package monitor

import (
	"time"

	"kvd/wallclock"
)

// Confirm is how long a clock lies outside before it goes into quarantine, and Return how
// long it lies inside before it comes back. Time inside takes back half as much as time
// outside adds: a clock that keeps jumping to and fro goes into quarantine as well.
const (
	Confirm = time.Second
	Return  = 3 * time.Second
)

// maxGap is how much time between two verdicts counts: who stood still has not watched its
// clock meanwhile.
const maxGap = Confirm / 4

// Guard follows the verdicts on a member's own clock. It is a value; the zero Guard has
// seen none, and trusts the clock.
type Guard struct {
	at      wallclock.Mono // of the last verdict
	seen    bool
	outside time.Duration  // how long it has been outside, less half of what it was inside
	inside  wallclock.Mono // since when it has been inside, without a break
	held    bool           // in quarantine
	worst   time.Duration  // the farthest that it was outside while it was under suspicion
}

// Observe is the guard after one more verdict.
func (g Guard) Observe(v *Verdict, now wallclock.Mono) Guard {
	passed := min(max(now.Sub(g.at), 0), maxGap)
	if !g.seen {
		passed, g.inside = 0, now
	}
	g.at, g.seen = now, true
	switch out := v.Own.Outside; {
	case v.State != Agreed:
		g.inside = now // nobody says that it is right
		return g
	case out != 0:
		g.outside, g.inside = min(g.outside+passed, Confirm), now
		if out.Abs() > g.worst.Abs() {
			g.worst = out
		}
		g.held = g.held || g.outside == Confirm
	case g.held && now.Sub(g.inside) >= Return:
		return Guard{at: now, seen: true, inside: now}
	case !g.held:
		g.outside = max(0, g.outside-passed/2)
		if g.outside == 0 {
			g.worst = 0
		}
	}
	return g
}

// Quarantined reports whether the clock is not to be trusted.
func (g Guard) Quarantined() bool { return g.held }

// Suspected reports whether the clock was outside of late, in quarantine or not yet.
func (g Guard) Suspected() bool { return g.held || g.outside > 0 }

// Worst is the farthest that the clock was outside since it was suspected; positive: ahead.
func (g Guard) Worst() time.Duration { return g.worst }
