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
// Files, in the order of that picture: api.go and message.go (inputs and
// outputs), core.go
// (state and Step), accept.go (client requests), token.go (what clients have
// seen), gate.go (ops from peers), apply.go (the common road), peer.go (what is
// believed of the others), timing.go (what their clocks show), ship.go (outgoing
// streams).
//
// Invariants:
//
//   - one content per dot, for ever; seq runs from 1 without gaps. Where a copy of a
//     leader has given a dot twice, it is noticed, and writing ends (identity.go);
//   - an op is applied only when everything its leader had applied is (deps ≤
//     frontier), so any set of applied ops is causally closed;
//   - the same request is one write, at whichever leader it is retried;
//   - nothing that an output sends or replies may leave before its puts are
//     durable;
//   - a frontier that is full turns other origins away and goes on (origins.go);
//   - every queue has a bound, in bytes where what it holds can be large, and what
//     happens when it is full is an event;
//   - what a peer sent counts against what it may send until it is applied or dropped
//     (credit.go); no stamp of a peer or a client can wear a clock out (lamport.go).
package replica
