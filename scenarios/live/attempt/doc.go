// Package attempt is what was observed of one attempt to play a script among real
// processes, and whether it is the history that the script means.
//
//	requests, replies, polls ─▶ Record ─┬▶ Assemble ─▶ history for the oracle, trace
//	                                    └▶ Evidence ─▶ Differs ◀─ Reference ◀─ simulation
//
// A [Record] takes observations down as they come in, which is not the order in which
// things happened: replies of different leaders cross. Assembling dates each acceptance
// as late as it can have been: before anybody was shown it, before a leader had it, and
// before what went over it.
//
// A [Reference] is the same script in the simulation. An attempt tells the same history
// if the same writes were accepted, had seen each other, and are stamped in the same
// order where that decides.
//
// It is no driver: it starts nothing, waits for nothing and reads no clock but the one it
// is given. It judges nothing: that is the oracle's.
package attempt
