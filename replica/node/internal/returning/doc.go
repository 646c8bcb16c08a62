// Package returning is what becomes of a leader that was forgotten and comes back.
//
// While the others counted on it no more, they may have removed what it never saw: the logs
// of deletions, the stamps of what was deleted, what counters were reset to. So its data is
// not merged with theirs. What it alone had acknowledged is exported by name, and it begins
// anew, empty, as any newcomer.
//
//	gossip says so, or a peer refuses us ─▶ who says so, and what do all that are there have?
//	  ─▶ writes refused, links closed ─▶ what nobody else has ─▶ FILE ─▶ the operator's word
//	  ─▶ (stop, start) store ─▶ store.forgotten-n ─▶ a new origin ─▶ joins ─▶ known again
//
// Which data is meant is said by a number, not by clocks: a forgetting has a moment, At, and
// a leader that has begun anew because of it says so for ever after (Config.Begun of package
// member). A forgetting that is not later than that is obeyed already. So a copy of the old
// data, or a backup of it, is recognised, and an empty directory has nothing to put aside.
//
// What others have is asked of their status pages, of all that gossip calls alive, but of
// those that were forgotten themselves: their data is put aside, too. Whoever cannot be
// reached may have some of the writes as well; the file names it.
//
// Where nothing is exported the leader begins anew by itself. Otherwise an operator says so
// (KVD.RETURN), after looking at the file; or lifts the forgetting at another leader, and the
// writes are merged as they are: then what the others have removed may come back.
//
// # What is on disk
//
// A side file, return.json, says how far this has come, and is written before each step that
// it describes; so a step that was cut off is made again. A file of writes that is not whole
// has another name and is written anew. The former store is renamed, never removed.
//
// What the package is not: it does not decide who is forgotten (operators do, by a majority),
// and does not write the exported writes again (kv admin import does, as any client).
//
// Invariants:
//
//   - from when the leader knows that it is forgotten, it acknowledges no write and sends no
//     op, until it has begun anew or the forgetting is lifted; over restarts too;
//   - a store is put aside only after everything in it that a client wrote is known to be at
//     another leader which is not forgotten, or is in a whole file;
//   - the word of a leader that is forgotten here does not count. Two that have forgotten
//     each other both go on, apart, until an operator chooses.
package returning
