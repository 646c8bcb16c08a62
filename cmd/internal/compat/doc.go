// Package compat holds a leader to what Redis 7.0 answers, and to what the clients
// people have expect of it.
//
//	generator ─▶ story ─┬▶ redis-server, a process ──▶ replies ─┐
//	corpus ────▶        └▶ leader, in this process ──▶ replies ─┴▶ compare ─▶ same,
//	                                                  listed, or shrunk and told
//
// It has tests only. A story is a few commands of one or two connections over a
// few keys. Both servers play it from nothing, and after it both must hold the
// same. A difference must be a row of the tables in replica/resp/COMPATIBILITY.md,
// which the test reads; any other is shrunk to the shortest story that shows it. A
// row that nothing needs any more is a failure as well, and so is a command that
// the generator does not know.
//
// The oracle is the redis-server in KVD_REDIS, else the one in PATH; without one
// of version 7.0 the test is skipped. It plays a few thousand commands, or as many
// as KVD_DIFFER_COMMANDS says. Each story has a seed: KVD_DIFFER_SEED begins with
// another one, and with KVD_DIFFER_COMMANDS=1 plays that story alone.
//
// The clients of other languages are those that KVD_CLIENTS names a folder of; see
// COMPATIBILITY.md for what is to be in there. go-redis is always there.
package compat
