// Package ledger answers questions about acknowledged writes: what became of one,
// why a key holds what it holds, what was lost and to what, whether all of it adds
// up, and which resolver would have lost less.
//
//	log, objects, ledger of one leader ─▶ [Reader] ─▶ Why, Fate, Restore, Losses, Audit, Measure
//	                                                        │ answers are data
//	                        sentences ◀── package explain ◀─┤
//	                                                        ▼ one answer from each leader
//	                                                     client/answers
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
// # The ledger, and who has which part of it
//
// The ledger is the lost writes of one leader: a row for each, by key and dot, with
// the verdict of every resolver that lost it and the evidence of the write. Folding
// decides what is in it (package resolve); then five rooms have a part each, under one
// vocabulary:
//
//	storage (losses)  keeps rows, their order by age and the stats, in the store
//	replica/host      inserts, retracts and evicts rows with the batch whose folds say so
//	replica/ledger    answers questions: why, fate, losses, audit, restore, advice
//	replica/console   counts for operators: metrics, /status, and the page of losses
//	replica/node      opens the snapshot a question reads, writes replies, feeds listeners
//
// A row is inserted when a write is first lost, retracted when a survivor turns out to
// have seen the write, and evicted when the ledger outgrows its retention; evicted
// rows are counted, by resolver and relation, and nothing else is left of them. A loss
// record is a row as answers carry it, with both writes and what decided.
//
// # Ancestry
//
// Who had seen what is found by walking what ops name, newest first: that walk is
// ancestry.go, and Why, Fate, Restore and History all take it. The audit alone walks
// otherwise, over all ops of many keys at once and without their values
// (audit_trace.go); and the oracle of the scenarios keeps a walk of its own, so that
// it does not share our mistakes.
//
// What it is not: it decides nothing about conflicts, keeps no state between
// questions, writes no sentences and sends nothing. What the ledger may take, and
// what it gives up, is storage's.
package ledger
