// Package feed tells whoever listens of lost writes as they happen, over RESP and
// over HTTP.
//
//	loop ─▶ [Hub.Tell] ─▶ waiting ─▶ [Hub.Run] encodes once ─▶ each listener's queue ─▶ subscriber, page
//
// What it is not: it keeps nothing, and delivers nothing to who listens later; the
// ledger does. It decides nothing: verdicts come from the core.
//
// Invariants:
//
//   - the loop never waits for the hub, nor the hub for a reader: both queues have
//     bounds, and when one is full the oldest go and are counted;
//   - what a reader took and what it was told to have missed add up to what was told;
//   - a reader is told of keys that its user may read at that moment, and of no other.
package feed
