// Package answers is what leaders say of lost writes, read and merged: losses, why a key
// shows what it shows, the fate of a write, audits, advice, dots with two contents, and
// the feed of losses.
//
//	replies of several leaders ─▶ read ─▶ merged: each fact once, with who says so ─▶ data
//	                                  └─▶ differences: who says otherwise without a reason
//
// A leader may have applied less than another, or its log may be shorter: then it says
// otherwise with a reason, and is no difference.
//
// What it is not: it asks nobody beyond paging through an answer and following the feed,
// and has no words for people but those of replica/ledger.
//
// Invariants:
//
//   - of leaders that have more than was asked for, only what all were asked about is
//     compared, or the rest would seem to differ;
//   - what a feed reports is the nth time that the first leader says it, once.
package answers
