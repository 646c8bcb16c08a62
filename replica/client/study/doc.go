// Package study judges a recorded history by every resolver, wherever it was recorded: in
// a running leader's log, in an exported file, in the directory of a stopped leader.
//
//	[Of] (a leader's log) ─┐
//	[OpenFile] ────────────┼▶ [Subject] ─▶ [Ask].Study ─▶ [Report]
//	[OpenStopped] ─────────┘
//
// The judging itself is resolve/replay's; here are the histories, how much memory it may
// take, and how it ends with a context.
//
// What it is not: it neither reads flags nor prints; it changes no store and no leader.
//
// Every report is limited by [Caveat], and says which evidence is missing, if any is.
package study
