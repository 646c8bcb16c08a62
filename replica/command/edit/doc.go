// Package edit is what commands make of one key: the options that say what, and the
// functions that become replica.Request.Decide.
//
//	arguments ─▶ Words.Parse… ─▶ Setting, Expiry, Condition, TTL ─▶ Decider ─▶ replica.Write
//	name ─▶ Operations ─▶ Operation.Parse ───────────────────────────▲
//
// The functions are pure: what they answer follows from what the key shows, the leader's
// clock as it is handed to them, and the command's own arguments. Commands use them, and
// scripts, which see between the steps of one what its write will be.
package edit
