// Package soak is a test: a cluster of real processes under everything at once,
// and a book of what its clients were told.
//
//	clients ─▶ n1 n2 n3 (n4 joins) ─▶ book of acknowledged writes
//	             ▲                          │
//	  faults: clock steps, SIGKILL,         ▼ at the end
//	  slow readers, another resolver   frontiers, values, compare, audit, memory
//
// In addition to plain writes there are values of megabytes, siblings, counters with
// deadlines, keys with deadlines at a leader whose clock jumps by a day, readers
// that do not read, leaders killed and started again, one that joins, and a
// restart of all under another policy. At the end every leader holds every
// acknowledged write, the leaders show the same, every audit adds up, and no
// process has taken more memory than it may.
//
// KVD_SOAK says for how long, as in KVD_SOAK=10m; without it a few seconds.
//
// A second test does nothing but SIGKILL: one leader, some of them or all at once, while
// clients write, and now and then again while the leader starts. KVD_KILLS says how many
// rounds, as in KVD_KILLS=300; without it a few. At the end the same is asked, and that
// nobody has begun more than two origins.
//
// Two more look at what stays on the disk. KVD_DELETED says how many keys are created and
// deleted under every resolver, as in KVD_DELETED=500000: nothing is left of them in the end.
// KVD_OVERWRITE says for how long a thousand keys are overwritten, as
// in KVD_OVERWRITE=10m. Without these there are a few, and a second.
package soak
