// Package replica is how one leader behaves: a pure core that is fed inputs and
// answers with outputs.
//
// The core never reads a clock, a disk or a socket. [Core.Step] is given the
// moment, one input and a [Reader] of what is stored, and appends to an
// [Output]: what to store, what to send to which peer, what to answer to which
// client, what happened, and when to be woken. The pump around it (package
// host) drains inputs, steps each, commits one batch, and only then releases
// what was held; the simulator and the server run the same pump.
//
// There is one road for every write:
//
//	client ─▶ accept: stamp + parents ─▶ OP ─┬▶ fold into object ─▶ puts ─▶ (durable) ─▶ reply, ship
//	peer   ─▶ gate: duplicate? gap? deps? ─▶ OP ─┘                              └────▶ acknowledge
//
// Files, in the order of that picture: api.go (inputs and outputs), core.go
// (state and Step), accept.go (client requests), token.go (what clients have
// seen), gate.go (ops from peers), apply.go (the common road), peer.go (what is
// believed of the others), ship.go (outgoing streams).
//
// Invariants:
//
//   - one content per dot, for ever; seq runs from 1 without gaps;
//   - an op is applied only when everything its leader had applied is (deps ≤
//     frontier), so any set of applied ops is causally closed;
//   - the same request is one write, at whichever leader it is retried;
//   - nothing that an output sends or replies may leave before its puts are
//     durable;
//   - every queue has a bound, and what happens when it is full is an event.
package replica
