// Package tally counts the lost writes that a leader judges while it runs, so that a page
// can show them without a walk of the store.
//
//	core's verdicts ─▶ [Tally.Add] ─▶ counts by prefix and resolver
//	                                ├▶ the keys that lost most (space saving)
//	                                └▶ the last losses, as they happened
//	                                          [Tally.Snapshot] ─▶ page
//
// Keys that lost most are counted by the space-saving algorithm (Metwally, Agrawal, El
// Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005):
// a fixed number of counters, where a new key takes over the smallest one and inherits its
// count as its possible error. A count is exact as long as no more keys lost writes than
// there are counters.
//
// What it is not: the ledger. It begins anew with the process, knows no values and asks
// nobody; questions about lost writes are package ledger's.
//
// Invariants: what it holds has a bound in bytes; adding takes one short lock and
// never waits for who reads.
package tally
