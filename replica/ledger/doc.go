// Package ledger answers questions about acknowledged writes: what became of one,
// why a key holds what it holds, what was lost and to what, whether all of it adds
// up, and which resolver would have lost less.
//
//	log, objects, ledger of one leader ─▶ [Reader] ─▶ Why, Fate, Restore, Losses, Audit, Measure
//	                                                        │ answers are data
//	                        sentences ◀── package explain ◀─┤
//	                                                        ▼ one answer from each leader
//	                                                     [Merge], [MergeAudits]
//
// A [Reader] reads through two small interfaces, [Store] and [Rows], which a
// snapshot of a store satisfies, so that every answer is about one causally closed
// state. It writes nothing: [Reader.Restore] gives the request that whoever asked may
// send. Package explain makes the sentences of every answer, for servers and clients
// alike.
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
// questions, writes no sentences and sends nothing. What the ledger may take, and
// what it gives up, is storage's.
package ledger
