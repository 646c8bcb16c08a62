// Package refold folds a store again under another policy, from its log, before a
// leader serves it.
//
// A store says under which policy its objects are. [Run] brings it under another;
// opening a pump does so too ([Ensure]), so that no pump ever serves objects of another
// policy, or half of them. It changes objects and ledger rows alone: ops, requests and
// clocks stay as they are.
//
// # The ledger
//
// Rows of keys that are folded again are dropped, and their verdicts count as retracted;
// folding enters them anew, as the policy now asked for judges.
//
// Files: refold.go (the steps), check.go (what is refused), fold.go (one op).
package refold
