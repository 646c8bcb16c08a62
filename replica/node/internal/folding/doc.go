// Package folding brings a leader's store under its policy before anything of it is served,
// and answers clients and people meanwhile.
//
//	store of another policy ─▶ counters' numbers are written ─▶ refold.Run ─▶ store of this one
//	                              └▶ progress ─▶ LOADING, /health/ready, /status
//
// What it is not: it folds nothing itself (replica/host/refold does), and does not say which
// policy is the leader's.
//
// Invariants:
//
//   - no data is answered from before all of it is folded;
//   - the listeners are their owner's again when Run returns.
package folding
