// Package memory divides what a leader may take of its machine's memory.
//
//	total ─┬▶ clients       requests in progress and replies, a quarter of it
//	       ├▶ work          queues to and from peers, a group under way, garbage
//	       ├▶ buffers       memtables, and objects on their way there
//	       ├▶ blocks        of the database, a fifth of what is left
//	       └▶ objects       encoded, in memory: all else
//
// The total is what the whole process is meant to take. Each part bounds itself where it
// is; this package only says how much it is given. What somebody asks for in particular
// is taken as it is: then the total may be another one.
//
// Where nobody says how much, it is a quarter of what the machine has, or of what the
// process may have of it: a limit of its control group counts.
//
// Invariants: the parts of a [Plan] are its total; no part is less than it needs; with more
// in total, apart from a few bytes, no part has less.
package memory
