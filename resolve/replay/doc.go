// Package replay asks what would have been: it folds one recorded history
// through every resolver, and through last-write-wins with worse clocks.
//
//	log ─▶ [Merged] (causal order) ─▶ [Replay] ─▶ for every resolver: values that differ, losses, siblings, bytes
//	                              └▶ [Skew]   ─▶ updates lost against simulated clock skew
//	                     [Study] is both, in as many passes as the memory asks for
//
// One pass serves all resolvers, because folding does not depend on which of them serves:
// parents, hidden versions and stamps are facts of the recorded history, and each
// resolver keeps its own bit in the same versions. The serving resolver only decides
// which final values the others are compared with.
//
// What it is not: a forecast. [Caveat] says why; a program that prints a result prints
// that too.
//
// Invariants:
//
//   - folding is resolve's own, so survivors and verdicts are exact, whatever
//     the rules of the day are;
//   - what neither survives nor was seen by a survivor is lost, and nothing else
//     is; it is found by ancestry when all is folded, and tests hold it against
//     the ledgers of leaders, which find it op by op;
//   - ops are not kept: their parents, their stamps and a few bits are, and the values
//     of versions that survive;
//   - keys are independent: a request belongs to one key, a parent of another key is
//     ignored, and the results of parts of the keys add up to the result of all;
//   - the same ops in any causal order and the same seed give the same result.
//
// A history that begins with a truncated log is judged as if nothing had been
// written before; [Result.Beyond] counts how often that could matter.
package replay
