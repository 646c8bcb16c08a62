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
// An update's past is what its author had been shown, and their pasts. Two dots
// of one request are one update. An acknowledged update is accounted when it
// survives in the converged state or is in the past of a survivor; otherwise it
// is lost. Under siblings and counter a delete leaves nothing behind: it is
// accounted unless something of its past survives, and vouches for its past. A
// counter's increments are accounted by the sum.
//
// The road from a history to a judgement: graph.go (who had been shown whom),
// reach.go (is this in the past of that), survive.go and counter.go (who is
// lost), classify.go (why), session.go and order.go (what clients were
// promised), judge.go (the sum of it).
//
// Invariants: acked = accounted + lost for every key, and the classes add up to
// lost; the same history gives the same judgement, byte for byte; judging
// changes nothing, so one history can be judged under any resolver.
//
// What the package is not: it plays nothing, reads no clock, and does not know
// why a resolver decided as it did.
package oracle
