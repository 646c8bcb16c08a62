// Package demo is what kvd dev --demo adds to a development cluster: a sample load, and
// faults that the leaders' page can move.
//
//	page ─▶ [Demo.Change] ─┬▶ rate ─▶ clients ─▶ SET, INCR, SADD … ─▶ leaders
//	                       └▶ KVD.FAULT ─▶ clock and links of each leader
//
// The load is a few clients at each leader that write hot keys, counters and sets, each a
// step of read and write as an application would take it, no more than a rate in all. It
// goes over the leaders' own addresses, as everybody's does. A leader that is gone, or
// refuses, is counted and tried again.
//
// What it is not: a benchmark. It belongs to the page, and kvd serve has none of it.
//
// Invariants: the rate, the number of keys and the size of their values have bounds, so
// that a demonstration that is left running does not grow; every goroutine ends with the
// context.
package demo
