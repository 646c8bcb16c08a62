// Package ledger answers for acknowledged writes: what became of one, why a key
// holds what it holds, what was lost and to what, and whether all of it adds up.
//
//	log, objects, ledger of one leader ─▶ [Account] ─▶ Why, Fate, Restore, Losses, Audit, Observe
//	                                                        │ one answer from each leader
//	                                                        ▼
//	                                                     [Merge], [MergeAudits]
//
// An [Account] reads through two small interfaces, which a store's cut satisfies,
// so that every answer is about one causally closed state. It writes nothing:
// [Account.Restore] gives the request that whoever asked may send.
//
// The ledger names, in each row, what survived when the loss was decided; that
// depends on the order in which a leader heard of things. Answers therefore name
// the present best survivor instead, so that leaders which have applied the same
// ops give the same rows.
//
// A ledger of bounded size gives up rows, so that it lists a write shows that the
// write is lost, and that it does not shows nothing. Fate and Restore then go by
// ancestry, as an audit does: lost is what neither survives nor was seen by what
// does. Where the search ends before the answer, the answer is that it is unclear.
//
// What it is not: it decides nothing about conflicts, keeps no state between
// questions, and sends nothing. What the ledger may take, and what it gives up, is
// storage's.
package ledger
