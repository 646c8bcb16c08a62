// Package detection compares ways to tell that another leader is gone, on traces of when its
// heartbeats came.
//
//	traces (generated from a seed, or recorded) ─▶ detectors ─▶ Table: how often wrong, how late right
//
// A detector that is shown a beat says how long silence may last from then on. If the next beat comes
// later than that, it was wrong; had the leader died right after the beat, that is how long nobody
// would have known. So one pass over a trace has both figures for every moment at which it might have died.
//
// What it is not: the generated traces are no measurement of anybody's network. Each has one trouble that
// makes beats late, so that it can be seen which detector copes with which.
package detection
