// Package account answers for acknowledged writes: what became of one, why a key
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
// What it is not: it decides nothing about conflicts, keeps no state between
// questions, and sends nothing. What the ledger may take, and what it gives up, is
// storage's.
package account
