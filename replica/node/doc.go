// Package node puts one leader together: only here does everybody meet.
//
//	clients ─▶ resp.Server ─▶ engine ─▶ host.Loop ─▶ host.Pump ─▶ replica.Core
//	people  ─▶ console       (doors)      │   ▲           └────▶ storage.Store
//	              ▲                 sends │   │ messages, up, down
//	              │ standing              ▼   │
//	              └───────────────────── link.Mesh ◀── who and where ── member.Members
//
//	questions ─▶ one durable cut (moment) ─▶ account.Account      beside the loop
//	loop's events ─▶ hub ─▶ subscribers and pages that listen to losses
//
// The arrows are the only wires. Start builds from right to left, so that nobody
// is served by a part that is not there yet; Quiesce and Stop take it down from
// left to right, so that whatever was accepted still finds its way out.
//
// What the package is not: it decides nothing about ops, reads no flags and no
// environment, and prints nothing; the programs above it do. Development and
// service run the same wiring: a development cluster is several leaders on
// loopback with their disks in memory.
//
// Invariants:
//
//   - an origin goes on only after a clean stop that is attested outside of the data
//     directory, so that no copy and no older backup takes it up, and only when
//     every member that was known confirms that it knows no more of it than our log
//     holds and that nobody alive holds it; in any doubt a new origin begins at once;
//   - nobody is answered from data that a hold says is not all there yet;
//   - the mark of a clean stop, and its attestation, are written after everything
//     else and removed before anything else;
//   - a question is answered from one durable moment, and reads on only while
//     somebody waits for the answer; nothing is sent while a cut is held;
//   - a door that other machines can reach is open only with authentication and
//     TLS, or when somebody said outright that it shall be insecure.
package node
