// Package resp is the Redis serialization protocol, RESP2 and RESP3, as a server
// speaks it: commands are read from a stream and replies are written to one.
//
//	stream ─▶ Reader ─▶ [][]byte, one command
//	stream ◀─ Writer ◀─ Int, Bulk, Array, Map, Error, …
//
// It knows no commands, no leaders and no connections: resp/server has those.
// resp/token is the text that a client carries between leaders, and resp/glob the
// patterns of KEYS and SUBSCRIBE.
//
// Invariants:
//
//   - a Reader blocks in Fill only, so all that has arrived can be taken before anybody
//     waits. A command that arrives byte by byte costs its length, not its square;
//   - an announced length reserves no memory: buffers grow as input arrives, and ask
//     Reader.Grow before they do;
//   - a command beyond the limits is passed over, and the next one is read. Input that is
//     not the protocol ends the connection;
//   - arguments of Reader.Next are valid until the next call. An argument that Owned
//     reports has memory of its own, which whoever takes it may retain;
//   - a Writer sends large values from where they are.
//
// # Why not redcon
//
// tidwall/redcon v1.6.4 was measured and read as the alternative. It has no RESP3 types,
// so HELLO 3 cannot be kept. It limits neither the number of arguments, nor their size,
// nor what it buffers. Its idle time is renewed by every byte, so a client that sends one
// byte at a time holds its connection for ever. It has no write deadline, and its Close
// closes connections with commands in flight. It parses a command from its start after
// every read: what BenchmarkDrip does, 20,000 arguments in pieces of 256 bytes, took it 180
// to 340 ms, and takes 2 to 4 ms here. The pipeline of 16 SETs of BenchmarkPipeline16 in
// resp/server took it 6.4 µs and 55 allocations, and takes 3.2 µs and 32 here, a key and a
// value each. Over loopback (BenchmarkLoopback), where a command is handed to another
// goroutine here and answered on the spot there, a SET cost 10 µs against its 6 to 7 at
// depth 1, and 0.8 against 0.9 to 1.3 at depth 16. The two were measured in one run.
package resp
