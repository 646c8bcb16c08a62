// Package link carries messages between leaders over TCP, with TLS if asked.
//
//	Send ─▶ queue ─▶ writer ══ connection a▶b ══▶ reader ─▶ inbox ─▶ Sink.Receive
//	          ▲ (faults)  ▲                         │
//	          └ full: drop └──────── credit ◀───────┘ as ops are applied
//
// One connection for each ordered pair: a leader sends its batches and statuses
// on the connection it dialled, and hears only credit on it. So two leaders that
// dial each other at once never have to agree on one of two connections, a peer
// is up exactly when it can be sent to, and each direction can fail by itself.
//
// The stream is resumable by frontier: nothing here is remembered over a lost
// connection, and what is dropped is shipped again by the core.
//
// Who owns which goroutine: New owns the accept loop; the accept loop one
// goroutine a connection accepted, which reads and owns two more (deliver,
// grant); SetPeers owns one goroutine a peer, which dials and writes and owns a
// reader while connected. Close ends them all.
//
// Bounds, and what happens when they are reached:
//
//   - queue to one peer: Config.SendQueueBytes and one batch; more batches are
//     dropped and counted. Of statuses only the newest waits.
//   - what came from one peer and is neither applied nor dropped, in the inbox and
//     beyond: Config.Window and one op; the peer has no credit to send more, and
//     one that does so all the same is cut off. (A peer that connects again begins
//     with a whole Window beside what its last connection had brought.)
//   - greetings in progress: Config.MaxGreetings; further connections are closed.
//
// What clients publish waits in a queue of its own, of 1 MiB and 1,024 messages a peer,
// and shares the connection with ops byte by byte where both wait. It is sent to the
// peers that are up, once, by the leader where it was published: what does not fit, or
// is under way when a connection breaks, is lost. What leaders say to compare their objects
// ([Mesh.Repair]) waits there too, and goes to one peer.
//
// A status overtakes batches in the queue and in the inbox, and the parts of a large op,
// so bulk delays it by one frame ([Config.FrameBytes], 1 MiB of one published message) and
// by what the kernel has unsent, which is bounded where the system can.
//
// A leader that needs what its peers' logs do not keep any more fetches their state. That
// has connections of its own, with the same greeting: behind the welcome they belong to
// whoever asked for them ([Mesh.Fetch]) and to Config.OnFetch at the other end. What is decided by
// majority has its own in the same way ([Mesh.DialQuorum], Config.OnQuorum), and so has what leaders say of their
// policies, which alone is said between leaders whose policies differ ([Mesh.DialPolicy], Config.OnPolicy).
//
// What the package is not: it decides nothing about ops, knows no membership
// beyond what SetPeers says, and never concludes from silence that data is gone.
// It closes a connection on any byte it cannot account for.
package link
