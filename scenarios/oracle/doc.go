// Package oracle judges a run from its own history of what clients sent, were
// shown and were acknowledged. It shares no code with the servers and never
// looks at their metadata: a dot is to it only the name that an acknowledgement
// gave to a write.
//
// An update's past is what its author had been shown, and their pasts. Two dots
// of one request are one update. An acknowledged update is accounted when it
// survives in the converged state or is in the past of a survivor; otherwise it
// is lost.
package oracle
