// Package server is the Redis protocol edge of a leader: RESP2 and RESP3 over TCP
// or TLS, for the clients people already have, and the KVD commands that carry
// tokens.
//
//	socket ─▶ Reader ─▶ dispatch ─▶ batch of requests ─▶ Engine.Do ─▶ (durable) ─▶ done
//	socket ◀─ Writer ◀──────────────────── render each step in order ◀──────────────┘
//	             ▲
//	             └── push what is waiting ◀── Feed ◀╌╌ wake ╌╌ whoever publishes
//
// Everything that has arrived on a connection when it is looked at becomes one batch, one
// call of Engine.Do, one sync. A transaction is one call as well. A connection has one
// goroutine and at most one batch in flight, so a client that does not take its replies is
// not read from.
//
// The same goroutine pushes what a subscriber listens to, after the replies and before it
// reads on. So nothing is ever written amid a reply, and a client that does not take its
// messages is cut as one that does not take its replies. A feed that has something new wakes
// the goroutine: it moves the read deadline to the past, as Shutdown does. A feed bounds what
// waits for it, and whoever publishes waits for no client. While a command takes long (WAIT,
// or one whose token is ahead) messages wait as well. Under RESP3 messages are push frames,
// and every command is allowed; under RESP2 they look like replies, and only those commands
// are allowed that Redis allows.
//
// What stands alone has packages beside this one: ahead, batch, budget, monitor, pubsub and
// slowlog.
//
// What the package is not: it decides nothing about data. What depends on what a
// key shows goes to the core as a Decide, so that nothing can happen to the key
// in between; deadlines are computed there from the leader's clock.
//
// Invariants:
//
//   - replies leave in the order of the commands, whoever answers them;
//   - no reply is written before the engine has called done;
//   - what a client can make the edge hold is bounded: the input buffer by twice
//     the largest command, with large arguments beside it in memory that the engine
//     keeps, the output by Limits.Output, a batch by the input buffer
//     and Limits.Requests, a transaction by Limits.Queued, Limits.Command and memory, the
//     values that replies point to by the budget that the batch was given;
//   - all of it together is bounded by Limits.Memory. Who needs more than every
//     connection has waits for it; who holds much for a client that does not go on
//     is cut when others wait. A small command never waits;
//   - a value is sent from where it is, and held once however often a command names
//     it; a pipeline holds the values of one part of it at a time, and an MGET whose
//     values are too large for that reads them one by one, as of one moment;
//   - while the leader does not serve yet (Config.Loading), nothing that looks at
//     keys is answered from what is there: LOADING, and why;
//   - a command whose row does not say which roles it takes is nobody's; every key
//     argument is held against the client's rights before anything is looked up, and
//     rights that change count from the next command on;
//   - what clients publish comes at most once, to who listens when it does; publishing
//     waits for nobody, and who has too much waiting is cut. Only the leader speaks on
//     channels that begin with kvd:. After UNSUBSCRIBE was answered nothing comes;
//   - Shutdown and the end of Serve's context leave no goroutine behind.
//
// Departures from Redis: what WATCH promises holds at one leader; a transaction with KEYS,
// SCAN, DBSIZE or RANDOMKEY between other commands is done in as many parts; who monitors and
// is slow misses lines, and is told how many. Package command has the rest.
package server
