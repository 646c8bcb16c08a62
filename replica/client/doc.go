// Package client is a client of a whole cluster: several leaders, each asked over the
// Redis protocol, and what their answers come to together.
//
//	[New] ─▶ [Cluster].Open ─▶ [Leader] ─▶ Do, Read, Ask: one command at one leader ─▶ [Reply]
//	                             ├──────▶ [Gather], [LongAsk]: all leaders at once ─▶ [Answer]s, [Absentee]s
//	                             ├──────▶ [Converge], [Compare], Keys: until, and where, they agree
//	                             └──────▶ Subscribe: what one leader says
//	[Session] ─▶ a token with each command ─▶ what it saw ─▶ [Session]
//
// Answers are data: whoever prints them chooses the words. Below it: answers reads and
// merges what leaders say of lost writes, study judges a recorded history, backups fetches a store, bench
// measures, conn is one connection without comfort.
//
// What it is not: it reads no flags or files, prints nothing and knows no exit codes.
//
// Invariants:
//
//   - a command is sent once: nothing is tried again, since an increment whose reply
//     was lost may have been done. One that waited for its token in vain was not done,
//     and is sent again;
//   - every error of a leader is a *[Refusal], which says who was asked for what;
//   - leaders that have not applied the same contradict nobody: [Distance] says how far
//     they are apart;
//   - what waits ends with the context, or when the cluster is closed.
package client
