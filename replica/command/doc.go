// Package command is the table of commands: what each asks of a leader, and how its answer
// is written.
//
//	Call ─▶ Plan ─▶ requests in a batch ─▶ leader ─▶ replies ─▶ Render ─▶ Writer
//	Call ─▶ Run ─▶ Writer                              what needs no request, or its own
//
// A row says a command's name, arity, flags, roles and keys, and has one of two functions.
// Plan adds requests to the call's batch and answers how to render the replies. Run writes
// the reply itself; a command with subcommands has a Run for each. Table gives all rows; whoever assembles a leader hands them to
// resp/server, which knows no command by itself.
//
// The package decides nothing about data. What depends on what a key shows goes to the core
// as a Request.Decide (see command/edit), so that nothing can happen to the key in between.
// Deadlines are computed there from the leader's clock.
//
// Below: command/edit (what is made of one key), command/script (Lua scripts over one key),
// command/admin (commands about the server and its connections).
//
// Invariants:
//
//   - a plain command never writes over siblings on the strength of one of them, unless
//     Config.PickSiblings says so: it is answered CONFLICT. SET, DEL, MSET and INCR say what
//     they do to all of them, and do it;
//   - KEYS and SCAN never answer a part as if it were the whole, but for keys that the
//     client may not read: to it there are no such keys;
//   - a row that does not say which roles it takes is nobody's.
//
// Departures from Redis: EXPIRE, PERSIST and GETEX change the deadline of the value that is
// shown and take no part in its conflicts. Where another value wins, that has the deadline
// its own author gave it, while a counter's deadline is the key's. All times are those that
// the leaders agree on, so that no single clock ends a value; a deadline beyond the year
// 2262 is none. Scripts have one key and no loops. FLUSHALL is many deletions. TTL goes
// through the core, since only there the deadline and the clock are known. SCAN's cursors
// name positions that a server remembers, the newest Options.Cursors of them. WAIT without
// a limit waits Config.MaxWait. replica/resp/COMPATIBILITY.md has the whole list.
package command
