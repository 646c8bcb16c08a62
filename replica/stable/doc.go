// Package stable says what every leader of a cluster holds for good, and how much of a log
// need not be kept then.
//
//	[View]: what all members are known to hold ─▶ [Tracker] ─▶ stable frontier ─▶ [History.Kept]
//	                                                                          └▶ [Closing]
//
// The stable frontier covers an op when every member is known to hold it durably, as its
// --sync promises it, and when in addition everything is applied here that a member had
// accepted before it held the op. So what arrives later was accepted by a leader that had
// the op: it depends on it, and never is concurrent to it (causal stability; Baquero et al.,
// "Making operation-based CRDTs operation-based", 2014).
//
// Below the stable frontier there is history: what is kept for questions, for folding again
// under another policy, and for whoever comes later. It has a bound in bytes, or in time,
// or none.
//
// What is left of a deleted key is its deletion, which a write that comes later may lose to.
// [Closing] says when none can come that does, and so when it may go.
//
// What the package is not: it does not say who is a member, and removes nothing.
package stable
