// Package bench puts a leader under load over the Redis protocol, and measures
// how long it takes to answer.
//
//	Config ─▶ a goroutine a client: due? ─▶ write a group ─▶ read its replies ─▶ histogram ─▶ Result
//
// It goes through package conn: a general client costs more than the server it
// would measure. It prints nothing and reads no flags.
//
// Closed loop: a client sends the next group of commands when the last one is
// answered; latency runs from the moment of writing. A slow server then gets less
// load, and hides its slowness (coordinated omission).
//
// Open loop, with a rate: every command has a moment at which it should be sent,
// whatever the server does. A command that comes late because its client was
// still waiting for earlier answers is counted from that moment. Where the client
// was idle and merely woken late by its own timer, it is counted from when it
// woke: that delay is ours, and is reported as Late instead. What was due and not
// sent when the time was over is reported as Unsent.
//
// Invariants:
//
//   - memory is bounded: of each client by two buffers of conn.BufferBytes and one
//     command, of all of them by one histogram a shard;
//   - a group ends when its commands or its replies fill a buffer, whatever the
//     depth of the pipeline, so that neither side waits for the other for ever;
//   - every command written is answered, refused, or the run fails.
package bench
