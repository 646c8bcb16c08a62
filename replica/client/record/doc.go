// Package record drives servers of the Redis protocol with updates that can be told apart,
// and records what clients see, for resolve/blackbox to judge.
//
//	[Config] ─▶ clients, each at one server ─▶ ops with start and end ─▶ Put
//	        └▶ until the time is over, or the context: [the last readings] ─▶ Put
//
// Workloads: counter increments numbers by INCR; set and register are read-modify-writes,
// GET and then SET of what was read with an element more, or of a value that nobody else
// writes. What the GET showed is recorded with the update.
//
// All times are of one monotonic clock. A command without a reply (timeout, connection
// lost) is indeterminate; one that the server refused is failed; one that could not be
// sent is not recorded. A client connects again, later each time, up to a second apart.
//
// At the end every server is asked for every key until all show the same or the time for
// that is over; the last round is recorded as final.
//
// What the package is not: it cuts no network, judges nothing, and sends nothing again.
//
// Memory is bounded: of each client a connection, of the last readings two rounds, so keys
// times servers values.
package record
