// Package oracle judges a run from the history of what its clients sent, were shown
// and were acknowledged. It shares no code with the servers and never looks at their
// metadata: a dot is to it only the name that an acknowledgement gave to a write.
//
//	history ─▶ graph (who had been shown whom) ─▶ fate of each update ─▶ Judgement
//
// [Judge] takes a [history.History]. The [Judgement] counts, names every loss, session
// violation and contradiction, answers a script's checks, and can be compared with the
// servers' own ledger by [Judgement.Agree].
//
// The oracle walks ancestry by itself, deliberately: package resolve decides by it, so
// that a mistake in a shared walk would be a mistake of both and would never be found.
//
// An update's past is what its author had been shown, and their pasts. All dots of one
// request are one update. Where leaders accepted two requests in opposite orders, each
// author has been shown the other's write, and each write is in the other's past. An
// acknowledged update is accounted for if it survives in the converged state or is in
// the past of a survivor; otherwise it is lost. Under siblings and counter a deletion
// leaves nothing behind: it is accounted for unless something of its past survives, and
// then so is its past. The increments of a counter are accounted for by the sum. What a
// deletion took away, and what a counter comes to, is followed op by op: each op of a
// request had been shown something of its own.
//
// Under a resolver that decides by stamps, a deletion that another deletion beat is lost
// like any other write. Who is lost follows from who had been shown whom and not from
// what was written: equal values prove nothing either. The two need not have deleted the
// same, and what only the beaten one's author had been shown is gone with it, though
// nobody who is left has seen it. Neither may the answer depend on when one asks:
// whoever writes over the deletion that won still has not seen the other. Under siblings
// and counter deletions commute, and none is lost. [Loss.Verb] and [Loss.ByVerb] tell
// such losses from those that have something to restore.
//
// Values follow from dots: every write puts a known text, and an addition starts from
// the greatest number that its author had been shown, or from the sum. A reading that
// shows other values than those of its dots is a contradiction.
//
// Invariants: acked = accounted + lost for every key, and the classes add up to lost;
// the same history gives the same judgement, byte for byte; judging changes nothing, so
// one history can be judged under any resolver.
//
// What the package is not: it plays nothing, reads no clock, and does not know why a
// resolver decided as it did.
package oracle
