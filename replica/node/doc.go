// Package node puts one whole leader together, and does nothing else: it is the one
// room that knows all of replica.
//
//	clients ─▶ server.Server ─▶ engine ─▶ acks ─▶ host.Loop ─▶ host.Pump ─▶ replica.Core
//	people  ─▶ console.Console                       │   ▲           └────▶ storage.Store
//	              ▲                            sends │   │ messages, up, down
//	              │ status                           ▼   │
//	              └──────────────────────────────── link.Mesh ◀── who and where ── member.Members
//
//	questions ─▶ answers ─▶ one snapshot ─▶ ledger.Reader      lock-free, without the loop
//	loop's events ─▶ feed ─▶ subscribers and pages that listen to losses
//
// The arrows are the only wires. Start builds from right to left, so that nobody
// is served by a part that is not there yet; Quiesce and Stop take it down from
// left to right, so that whatever was accepted still finds its way out.
//
// The parts that only a leader needs have packages below internal: identity (may the
// last origin be resumed), known (what is remembered of others), recovery (the store,
// and what is missing of a damaged one), monitor (room on the disk, how slow it is, damage
// that nobody has met), joining (a leader without data), transfer (the state
// of another leader), returning (one that was forgotten
// comes back), acks (replies that wait until other leaders hold a write), folding (the
// store under its policy), answers (the KVD commands that ask), backups (a client fetches the
// store), feed (losses as they happen), locks (what a majority decides), stability (what every leader holds, and may be removed
// from the log), and
// small ones: readiness, options, fields, display, sidefile, certs, fit. Package policies has which policy
// counts, and brings another one to all leaders while they run.
//
// # The walk of a SET
//
// From a client's bytes to its reply, a function a line.
//
//  1. replica/resp/server conn.gather: takes every command that has arrived, and looks it up in the table
//  2. replica/command planSet: makes a request of the command's words
//  3. replica/node engine.Do: counts it, and turns it away while the leader stops
//  4. replica/host Loop.Do: queues it, beside those of other connections
//  5. replica/host Loop.cycle: takes all that is queued, and steps the core with each
//  6. replica Core.Step: one input, and outputs: ops to store, replies and messages to send
//  7. replica turn.write: makes an op of the request, whose parents are what this leader shows of the key
//  8. replica turn.accept: stamps it, from all clocks
//  9. replica turn.apply: puts it into the log, and folds it into the key's object
//  10. resolve Folder.Accept: which versions every resolver keeps, and which are superseded or lost; losses become rows of the ledger
//  11. replica/host Pump.Commit: stores all that the cycle made in one batch, with one sync
//  12. replica/host Loop.release: now that it is durable, hands out replies and messages to peers
//
// # The walk of a remote op
//
// From a peer's frame to the acknowledgement.
//
//  1. replica/link inbound.take: decodes the frame, within the credit that the peer has
//  2. replica/link inbound.deliver: hands batches on in order
//  3. replica/node sink.Receive: into the loop
//  4. replica/host Loop.Deliver: queues it; where the queue is full, the peer waits
//  5. replica/host Loop.cycle: as above
//  6. replica turn.received: each op of the batch
//  7. replica turn.admit: the gate. Duplicate? dropped. Gap, or dependencies missing? buffered
//  8. replica turn.applyRemote: merges the op's clocks, then takes the same road as a SET
//  9. replica turn.drain: and with it whatever was buffered for want of it
//  10. resolve Folder.Fold: as Folder.Accept, for an op that was accepted elsewhere
//  11. replica/host Pump.Commit: as above; the status that acknowledges the op is made here
//  12. replica/node outbox.Send: the status leaves for the peer
//
// # The ledger
//
// Here questions about lost writes meet the ledger: internal/answers opens a snapshot,
// lets package ledger read it and writes the reply; internal/feed tells of rows as
// they are inserted and retracted; ledgerstatus.go tells console how full it is. See
// package ledger for how the rooms fit together.
//
// What the package is not: it decides nothing about ops, reads no flags and no
// environment, and prints nothing; the programs above it do. Development and
// service run the same wiring: a development cluster is several leaders on
// loopback with their disks in memory.
//
// Invariants:
//
//   - an origin is resumed only on the very directory that was run last, as what lies
//     outside of it attests, so that no copy and no older backup takes it up; only when
//     its log is known to be whole; and only when no member that can be asked knows more
//     of it than our log holds, or a live holder of it. In any doubt a new origin begins
//     at once. Package identity has every case;
//   - nobody is answered from data while a blocker says that it is not all there yet;
//   - what attests the directory is written before anything is accepted, and that a stop
//     was a clean one is written after everything else;
//   - a leader leaves only after it refuses writes and another has all that it
//     acknowledged, and does not start again from the data that it left with;
//   - nobody is forgotten where no majority of the members that stay is there, and nobody
//     who is forgotten is linked before it has begun anew or that was taken back;
//   - an address that other machines can reach is open only with authentication and
//     TLS, or when somebody said outright that it shall be insecure.
package node
