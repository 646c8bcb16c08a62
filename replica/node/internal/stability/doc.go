// Package stability removes from a leader's log what every leader of the cluster holds for
// good and nobody can need any more.
//
//	statuses of peers ─▶ view ─▶ [stable.Tracker] ─▶ stable frontier ─▶ [Collector] ─▶ storage.Collect
//	members known, less those forgotten ─┘                              └▶ [Stats], for status and metrics
//
// What is left of deleted keys, so that a write that comes late loses to the deletion, goes as
// well once it is outside of history and no such write can come (deleted.go). Where stamps
// decide, that takes a promise: each leader says, once its own clock is past the newest such
// deletion, that it will stamp no write at or below it, whatever its clock is set to
// ([replica.Promise]); when everybody has said so, everybody drops it. Until a deletion is
// outside of history nothing is promised, so a clock that is set back by less than that still
// stamps what it shows.
//
// Every leader that was ever met counts, whether it is up, down, or has not been heard since
// the start, until it is forgotten by an operator. One that is silent pins the log: it needs
// what it has not said that it has. Nothing is ever removed because of its age alone, and
// no member is given up because of a timeout. But a log that is pinned has a bound in bytes:
// what is beyond it goes though a member lacks it, which then gets the state of a leader
// (package transfer). Of what is removed so, ids of requests go as well: one that was sent to
// two leaders, of which one then stayed away for so long, is two writes.
//
// What the package is not: it does not say who is a member, nor what is stable, and does not
// serve latecomers: they get the state of a leader (package transfer).
package stability
