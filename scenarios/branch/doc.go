// Package branch finds the last moment at which a loss of a simulated run could still have
// been avoided.
//
//	result ─▶ moments ─▶ the run again, mended at one of them ─▶ is it lost there? ─▶ Avoidable
//
// The run is simulated again with the same seed, and is the same, event for event, up to a
// moment. From there on it goes on mended: messages take no time and arrive, leaders tell
// each other at once all that they have, clocks show true time, nobody is paused or down,
// disks work, and what the script would spoil later does not happen ([world.Mend]). Clients
// go on asking what the script says.
//
// A loss is avoided there if the same request is acknowledged and not lost, and its key loses
// fewer updates than in the run: a loss that only falls on its rival is not avoided.
//
// The last moment is found by bisection: mended just before it, the loss is avoided, and
// mended just before the next moment at which anything happens, it is not. That supposes
// that who mends earlier avoids more. Where that does not hold, what is found is a last
// moment of some stretch in which the loss can be avoided, and not of the latest one. Moments
// that concern the update and what beat it are tried first.
//
// Where not even mending before the first event helps there is none: the update, or as much of
// its key, is lost also in a run in which nothing is wrong. At the last moment each of links,
// clocks and machines is also mended alone: those that suffice are named.
//
// What the package is not: it judges nothing (package oracle does), and it knows nothing of
// real leaders, which cannot be played again.
//
// Invariants: equal results and limits give equal answers; at most [Limits] branches are
// played, and losses that they do not reach have no answer.
package branch
