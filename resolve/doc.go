// Package resolve decides what to keep when writes collide, and says what was lost.
//
// An [Op] is one accepted write with all its evidence. An [Object] is the fold
// of the ops of one key: the [Version]s that at least one resolver still keeps,
// each with a [Mask] of which. A resolver is a rule for which versions survive; all of
// them can judge the same ops, because every op carries what every rule asks for. A
// [Panel] is the resolver that serves a key and the shadows that only watch; a [Policy]
// gives each key its panel.
//
// [Panel.Fold] applies one op and returns verdicts: which version lost to which
// under which resolvers, and what the relation of the two is. Resolvers that agree
// are judged together, so that a panel costs little more than the serving resolver; a
// caller that folds many ops keeps a [Folder]. A write is accounted when it survives or
// when a survivor's author had, directly or through others, been shown it; otherwise it
// is lost. Superseding is not losing.
//
// The package is pure: the past is asked through [History], and only where
// versions collide.
//
// Invariants, proved once for all resolvers by the laws of resolvetest:
//
//   - folding the same ops in any order that respects causality gives the same
//     object, byte for byte;
//   - folding an op twice in a row changes nothing and gives no verdicts;
//   - accepted = live + superseded + lost, for every resolver;
//   - of each version that is shown no more exactly one verdict says what became of it,
//     and no fold takes back a verdict of its own;
//   - a write is lost as inverted exactly when, at the leader that accepted it,
//     a version its author had been shown survived it. That is decided on acceptance,
//     recorded in the op, and so equal everywhere.
//
// A panel may fold ops that others judged where they were accepted: when a prefix is
// given another resolver or shadow, its keys are folded again from the log, and older ops
// may arrive later. An op names who judged it, and for everybody else its evidence
// follows from the op itself (unjudged.go), so the object is the same in any order.
//
// Where several leaders accepted one request, its dots are one write when it is
// asked whether that is lost, one addition in a counter, and shown once; in a
// live set they are as many versions. Which dots belong together follows from the
// ops alone, so it does not matter in what order leaders receive them.
//
// # Files
//
//	op.go object.go verdict.go            what goes in, what is kept, what comes out
//	resolver.go panel.go                  the table of resolvers; who judges which key
//	stamp.go interval.go siblings.go counter.go   the rules
//	unjudged.go derived.go                evidence for rules that nobody had judged by
//	folder.go plain.go judge.go walk.go   one fold, its shortcut, and who was lost by it
//	draft.go deadline.go tombstone.go duplicates.go   what an op says when it is accepted
//	read.go                               what a reader is shown
//	mend.go                               dots that were given twice
//
// Below it: number (sums in 128 bits), limits (how large things may be), replay (a
// recorded history under every resolver), resolvetest (the laws), internal/dotset (small
// sets of dots).
//
// # Adding a resolver
//
// Write a [Resolver] in a file of its own, give it an [ID] at the end of the
// list (IDs are stored) and a row in the table: its name, its rule, the family of
// what it keeps, and one sentence. Policies, panels, masks, the ledger and the
// command line go by the table. Fold may set and clear the bit it is given and
// nothing else; what it keeps must not depend on the order of arrival, so prefer
// the maximal elements of a strict partial order, as maximal does for any
// comparison of stamps. Then write in resolvetest.Brute what must survive, in a
// few obvious lines: the law suite checks every ID against it. A new kind of
// intent, unlike a new rule, also needs its outcome in [Panel.Draft].
//
// What the package is not: it stores nothing, ships nothing, and never reads a
// clock. Rules that need stamps take them from the op.
package resolve
