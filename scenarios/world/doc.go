// Package world is a cluster in virtual time: true time, links that delay and
// lose, disks that forget what was not synced, are full, broken or rot, clocks that are wrong, leaders
// that pause and crash, and clients that wait for their answers.
//
// The leaders are the real ones: the pump of package host over the real store
// on a filesystem in memory. Only what lies below is made up here.
//
//	agenda (true time) ─▶ script events ─▶ clients ─▶ requests ─┐
//	        ▲                                                   ▼
//	        └──── links: delay, loss, duplication ◀── leader: drain, step, commit, release
//
// One goroutine and one agenda run everything; all chance comes from the seed,
// split by purpose so that a resolver which sends one message more does not
// change the fate of the others. The same script, resolver and seed give the
// same trace.
//
// A value whose deadline has come ends by an op of its leader's own, for which the world has
// leaders look at its key (deadline.go). Where that leader is gone the value stays stored, and
// is counted as what the key holds, though no client is shown it.
//
// What clients sent, were shown and were told goes to the oracle; what happened
// goes to the trace. Neither feeds back.
//
// A leader that was forgotten, or that the others' logs do not reach back to any more, gets the
// state of another as real ones do: a checkpoint, into which package carryover puts what only its
// own store has. It gets it in an instant; how it is sent is package transfer's of real leaders.
//
// A [Mend] puts things right in the middle of a run, which is the same up to there: package
// branch plays runs again with it.
//
// Locks are given by one honest service, which a leader reaches through a majority of the leaders (issuer.go): the state
// of the locks is the real one, the consensus below it is not played. A redlock is the leaders', each by its wall clock.
//
// It is no judge and no player of expectations: those are the oracle and package scenarios.
package world
