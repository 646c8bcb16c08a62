// Package replica is how one leader behaves: a pure core that is fed inputs and
// answers with outputs.
//
// The core never reads a clock, a disk or a socket. [Core.Step] is given the
// moment, one input and a [Reader] of what is stored, and appends to an
// [Output]: what to store, what to send to which peer, what to answer to which
// client, what happened, and when to be woken. The pump around it (package
// host) drains inputs, steps each, commits one batch, and only then releases
// replies and messages; the simulator and the server run the same pump.
//
// There is one road for every write:
//
//	client ─▶ accept: stamp + parents ─▶ OP ─┬▶ fold into object ─▶ puts ─▶ (durable) ─▶ reply, ship
//	peer   ─▶ gate: duplicate? gap? deps? ─▶ OP ─┘                              └────▶ acknowledge
//
// A local write: Step, request (accept.go) checks the request, and parks it while the
// leader is behind its token (token.go); serve, write, decide what is written; draft
// the op and refuse what is too large or would leave too many siblings; accept, stamp
// its dot, deps and clocks; apply (apply.go) puts the op, folds it into the object, puts
// that and advances the frontier; reply. Ship then sends it to every peer (ship.go).
//
// A remote op: Step, received; admit (gate.go) drops what is here already, or is of our
// own origin and was not accepted here; what came before its dependencies is buffered
// (internal/causal); applyRemote merges its clocks; apply, as above; drain what became
// ready; serveWaiting answers requests whose token is covered by now. Ship then
// acknowledges by a Status.
//
// Files: input, output, event and message (what goes in and out); config; core (state and
// Step); accept, budget, together, token, settle (client requests); gate, apply,
// credit (ops); expire (deadlines); floor (stamps that are ruled out); peer, ship, timing (other leaders); identity, origins,
// refuse (whose origin is whose, and when writes are refused); lamport (guards of clocks).
// Parts with one job each are below internal: causal (the buffer at the gate), stream
// (what is on its way to a peer), logcheck (comparing logs), settlement (a dot with two
// contents), lag (the age of what a peer lacks), readings (stamps of ops), peerview,
// peerclock, clocks (whether our own is right), drafts, doom (writes that would lose at
// once), voids, weigh, ends (what has expired), budget, config.
//
// It is not a store, a network, or a resolver: those are the Reader and whoever stores
// the puts, package link, and package resolve.
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
//   - every queue has a bound, in bytes where what is in it can be large, and what
//     happens when it is full is an event;
//   - what a peer sent counts against what it may send until it is applied or dropped
//     (credit.go); no stamp of a peer or a client can wear a clock out (lamport.go).
package replica
