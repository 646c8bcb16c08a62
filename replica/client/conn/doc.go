// Package conn is one connection to a server of the Redis protocol: commands are
// written, and replies read, straight on it.
//
//	Command, Arg ─▶ Send ─▶ (server) ─▶ Reply: all of it, or Value: one string without garbage
//
// Measurements, live runs and tests use it: a general client costs more than the
// server it would measure, and hides what a reply looked like. What people do with
// a cluster goes through go-redis, in replica/client.
//
// What it is not: it neither connects again, nor sends anything again, nor takes
// apart what is pushed to it.
//
// Invariants:
//
//   - a reply of either version of the protocol is read whole, or the error says
//     that the connection is of no more use;
//   - memory is bounded by what a server of ours answers (maxText, maxItems,
//     maxDepth), whoever the server is;
//   - one goroutine uses a connection at a time; Close may come from any.
package conn
