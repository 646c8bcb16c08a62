// Package rejoin makes one object of what two leaders hold of a key, where they hold
// different things although both have folded the same ops: one of them is damaged, and
// nobody knows yet which.
//
// [Join] is what both should hold, as far as the two objects and the ops that are still in
// a log say. The rules, in this order:
//
//  1. What an op in the log says of itself stands, whatever a version says of it. A version
//     under the dot of another key's op is dropped.
//  2. A version that one side lacks is kept: absence is no evidence. It goes only where
//     evidence says that it was superseded: another version whose stamp beats it, under
//     resolvers that compare stamps; an op in the log whose author had it in its causal
//     past, under those that keep a live set; a deletion in the log that names it, for a
//     share of a counter.
//  3. No version is given to a resolver that neither side gave it to.
//  4. Of an origin's shares of a counter the newest stands, with the larger base; of two
//     statements of a deadline the later.
//
// Where the ops have left the logs already, rule 2 may keep a version beside the one that
// superseded it: it is then shown as a sibling, and nothing is lost. So it may under interval
// where a clock was behind by more than it claimed, since a deletion by it leaves no version. Where two versions have
// one dot and different content, and no log says which is right, the answer is
// [ErrUndecided].
//
// Join is symmetric, so that two leaders that mend themselves by each other come to hold the
// same, and joining again changes nothing.
//
// What the package is not: it does not know which leader is right, and writes nothing.
package rejoin
