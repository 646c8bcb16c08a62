// Package stability finds out what every leader of the cluster holds for good, and removes
// from the log what nobody can need any more.
//
//	statuses of peers ─▶ [Tracker] ─▶ stable frontier ─▶ [Collector] ─▶ storage.Collect
//	members known, less those forgotten ─┘                    └▶ [Stats], for status and metrics
//
// The stable frontier covers an op when every member is known to hold it durably, as its
// --sync promises it, and when in addition everything is applied here that a member had
// accepted before it held the op. So what arrives later was accepted by a leader that had
// the op: it depends on it, and never is concurrent to it (causal stability; Baquero et al.,
// "Making operation-based CRDTs operation-based", 2014).
//
// Every leader that was ever met counts, whether it is up, down, or has not been heard since
// the start, until it is forgotten by an operator. One that is silent pins the log: it needs
// what it has not said that it has. Nothing is ever removed because of its age alone, and
// no member is given up because of a timeout.
//
// Below the stable frontier there is history: what is kept for questions, for folding again
// under another policy, and for whoever comes later. It has a bound in bytes, or in time,
// or none.
//
// What the package is not: it does not say who is a member, and does not serve latecomers.
package stability
