// Package identity says whether a leader may resume its last origin after a restart.
// Who accepts writes under an origin that somebody else holds, or after ops that it no
// longer has, gives one dot to two writes.
//
//	clean stop:  [Leave] writes the mark ─▶ and an attestation of it, outside the data directory
//	next start:  [Recall] takes both away ─▶ do they agree? ─▶ [Confirmer] asks every known member
//
// Invariants:
//
//   - the mark and its attestation are gone before anything else is opened, so that
//     what is left of a start that failed is never taken for a clean stop;
//   - a copy of the directory, an older backup and another machine have no attestation
//     that agrees with their mark;
//   - any doubt is an answer: a new origin ([NewOrigin]) is always safe, and costs a
//     entry in every frontier.
//
// What it is not: it opens no store and decides nothing alone; the caller also checks
// that the log ends where the mark says.
package identity
