// Package detect says how sure it is that another leader is gone, from when it was heard.
//
//	beat, beat, beat ─▶ [Detector.Beat] ─▶ [Detector.Phi]: 3 may be gone, 8 is taken for gone
//	answers ─▶ [Timeout.Observe] ─▶ [Timeout.Limit]: how long the next answer is waited for
//	own ticks ─▶ [Watch.Tick] ─▶ [Detector.Excuse]: whoever stood still itself suspects nobody
//
// Phi is that of Hayashibara, Défago, Yared and Katayama, "The φ accrual failure detector" (SRDS
// 2004): minus the decimal logarithm of the probability that the next beat comes even later, if
// intervals go on as they were. The tail of the normal distribution is taken as it is, by
// erfc; the logistic curve that some implementations use instead says 9.3 where it is 8 and 21
// where it is 15. Limits of answers are those of Jacobson and Karels, "Congestion avoidance and
// control" (SIGCOMM 1988), with the constants of RFC 6298.
//
// What must not be learnt: an outage is no interval. One of more than four times the mean is
// left out, so that the next outage is noticed as soon as the first.
//
// What it is not: it sends nothing, reads no clock and decides nothing. Membership is gossip's; what must be
// decided once is a quorum's.
//
// Invariants: time is an argument, of one clock that is never set; a Detector takes less than 2 kB.
package detect
