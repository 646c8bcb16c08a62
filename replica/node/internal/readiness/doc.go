// Package readiness holds clients off while a leader may not be believed yet. As long
// as there is a blocker, commands that look at keys are answered LOADING,
// /health/ready is 503, and both say why and how far it has come. Replication,
// questions about the leader, and its stop go on.
//
// Whoever has work to do before the leader may be believed calls [Blockers.Block],
// before listeners are open or at any time later, and releases it when the work is
// done.
//
// What it is not: a reason to refuse writes alone. Those are the core's, and a leader
// that refuses writes goes on serving reads.
package readiness
