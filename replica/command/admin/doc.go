// Package admin is the commands about the server and the connections to it, not about keys:
// who the client is, what others send, what the server is, how long things take.
//
// Files: session.go (HELLO, AUTH, PING, RESET, …), client.go (CLIENT), acl.go,
// transactions.go and pubsub.go (the rows; resp/server has the functions), info.go and
// system.go (INFO), config.go (CONFIG), docs.go (COMMAND), slowlog.go (SLOWLOG, LATENCY,
// MONITOR), state.go (LASTSAVE, ROLE).
//
// It sees of the server what server.Call and server.Server export, and keeps no state but
// INFO's peak of memory.
package admin
