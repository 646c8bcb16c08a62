// Package observed makes the story of a page from a history of operations that clients of
// any store recorded, and from what resolve/blackbox found of it.
//
//	blackbox.Op    ─▶ [Gatherer.Op]      ─┐
//	blackbox.Verdict ▶ [Gatherer.Verdict] ─┼▶ [Gatherer.Story] ─▶ package page
//	blackbox.Report ──────────────────────┘
//
// A node has a leader's lane, with its clients above it. The first run is what the store
// did; the others are what resolvers of ours would have kept of the same history, where
// nodes have readings at the end only. What is drawn is what clients saw: a message to a
// node is drawn to the middle of the time that its answer took, and nothing that went
// between nodes is known. A node that acknowledged a write to a register or a counter is
// taken to show it until it is seen to show something else.
//
// The clocks of the first run are the smallest constant offsets with which last-write-wins
// would have kept the same, where there are such: drawn by the leaders' clocks, what beat a
// later update stands behind it.
//
// What the package is not: it judges nothing and reads no file.
//
// Bounds: [MaxOps] ops and [MaxClients] clients have their own place, and values are kept as
// short as they are drawn; what is beyond is counted by the report, which is of all, and the
// page says that it is not drawn.
package observed
