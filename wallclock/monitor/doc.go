// Package monitor judges the clocks of a cluster's members against each other, and says
// whether a member's own clock is to be trusted.
//
//	clocks as intervals ─▶ [Judge] ─▶ [Verdict] ─▶ [Guard.Observe] ─▶ warned, in quarantine, or neither
//
// What a member knows of another's clock is an interval: bounds from messages both ways
// ([kvd/wallclock.Remote]), widened by the error that the clock claims. So each clock names
// an interval that true time lies in, if its claim holds. Where most members that are
// configured, heard or not, have a point in common, true time is there as long as most of
// them are right (Marzullo 1984; RFC 5905, section 11.2.1), and whose interval lies wholly
// outside has made a false claim, whatever messages take on their way.
//
// Nobody is judged by those who can be reached alone: two members that are cut off from
// three others are no majority, and would name a good clock a liar. Two members cannot say
// which of them is wrong.
//
// A [Guard] turns verdicts into what follows: a clock that lies outside is warned of at
// once, goes into quarantine when it has been outside for [Confirm], and comes back when it
// has been inside for [Return] without a break. A verdict that decides nothing changes
// nothing.
//
// What the package is not: it reads no clock, sends nothing, and does not know what a
// quarantine forbids.
//
// Invariants:
//
//   - a member whose claim is true is never outside, as long as most claims are true and no
//     message arrives before it was sent;
//   - the majority is one of all members that are configured;
//   - everything is a value: the same clocks give the same verdict.
package monitor
