// Package known is what a leader knows of the others and wants to know again after a
// restart: who was ever a member ([Members]), which origin was whose ([Origins]), and
// who is waited for no more ([Forgotten]).
//
// What it is not: membership, which is gossip's. Nothing here says who is alive. What
// of it is lost is learnt again from the others; only the next start may then have to
// begin a new origin, because it does not know whom to ask.
//
// Each has a file beside the store, written by package sidefile whenever something new
// was learnt.
package known
