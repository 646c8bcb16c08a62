// Package oracle judges a run from its own history of what clients sent, were
// shown and were acknowledged. It shares no code with the servers and never
// looks at their metadata: a dot is to it only the name that an acknowledgement
// gave to a write.
//
// A runner feeds a [History] in order of true time, then asks it to
// [History.Judge]. The [Judgement] counts, names every loss, session violation
// and contradiction, answers a script's checks, and can be held against the
// servers' own ledger with [Judgement.Agree].
//
// An update's past is what its author had been shown, and their pasts. All dots
// of one request are one update; where leaders accepted two requests in opposite
// orders, each has been shown the other and is in its past. An acknowledged update
// is accounted when it survives in the converged state or is in the past of a
// survivor; otherwise it is lost. Under siblings and counter a delete leaves nothing
// behind: it is accounted unless something of its past survives, and vouches for its
// past. A counter's increments are accounted by the sum. What a delete took away, and
// what a counter comes to, is told op by op: each op of a request had been shown
// something of its own.
//
// A deletion that another deletion beat is lost like any other write, where a stamp
// decides. Who is lost is told by who had been shown whom and not by what was
// written: equal values prove nothing either. The two need not have deleted the same,
// and what only the beaten one's author had been shown is gone with it, unseen by all
// who are left. And it must not hang on when one asks: whoever writes over the deletion
// that won still has not seen the other. Under siblings and counter deletions commute,
// and none is lost. [Loss.Verb] and [Loss.ByVerb] tell such losses from those that
// have something to restore.
//
// Values follow from dots: every write puts a known text, and an addition goes on
// from the greatest number that its author had been shown, or from the sum. A reading
// that shows other values than its dots stand for is a contradiction.
//
// The road from a history to a judgement: graph.go (who had been shown whom), ops.go
// (which of a request's ops had), rank.go (circles), reach.go (is this in the past of
// that), survive.go, counter.go and counts.go (who is lost), classify.go (why),
// values.go (what readings must show), session.go and order.go (what clients were
// promised), judge.go (the sum of it).
//
// Invariants: acked = accounted + lost for every key, and the classes add up to
// lost; the same history gives the same judgement, byte for byte; judging
// changes nothing, so one history can be judged under any resolver.
//
// What the package is not: it plays nothing, reads no clock, and does not know
// why a resolver decided as it did.
package oracle
