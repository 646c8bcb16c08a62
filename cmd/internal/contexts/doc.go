// Package contexts is the file that says which clusters a client knows: named
// contexts, each with its leaders' addresses and how to log in, and which of
// them is in use. The client command reads and edits it; a development cluster
// writes its own context there, so that the client needs no flags.
//
//	{"version": 1, "current": "dev", "contexts": [{"name": "dev", "leaders": [{"name": "n1", "addr": "127.0.0.1:6390"}]}]}
//
// It holds no secret: a context names the file of a password, never the password.
//
// Invariants:
//
//   - a file that was written is valid: names are unique, addresses have a port,
//     and the current context is one of those listed, or none;
//   - the file is replaced as a whole and readable by its owner alone;
//   - a file that this version cannot read is never overwritten.
package contexts
