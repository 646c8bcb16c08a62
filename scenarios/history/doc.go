// Package history is the record of a run as its clients saw it: what they sent, what
// they were shown, what was acknowledged, and, where it can be observed, which leader
// applied what and whose disk was lost.
//
//	world, live ─▶ History (one call an event, in order of true time) ─▶ oracle
//	                                                                  └▶ Record, for the programs of others
//
// A request may be sent and accepted several times: a [Call] is the request and all
// that became of it, and each acceptance gave it one dot. A dot is here only the name
// that an acknowledgement gave to a write.
//
// What the package is not: it judges nothing. The only thing it objects to is what is
// no history at all (a [Contradiction]): a reply to what nobody had sent, or one name
// for two writes.
//
// Invariants: turns number all events, so that no two are at the same time; Updates
// are in the order of their first acceptance, and an update has at least one.
package history
