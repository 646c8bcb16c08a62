// Package transfer brings a leader up to date that needs ops which the others do not keep
// any more: it gets the state of one of them. In the field this is a state transfer, or
// installing a snapshot (Ongaro, "Consensus: bridging theory and practice", 2014, chapter 5).
//
//	here                                                     at the other
//	[Receiver.Run] lacks ops that nobody in reach keeps
//	    ─▶ asks for the state ──── own connection ──▶ [Sender] ─▶ checkpoint, with little of the log
//	    ◀─ files, piece by piece, at a bounded rate ◀──
//	store.fetching ─▶ checksums ─▶ store.fetched ─▶ the leader begins again:
//	[Install] carries over what only the old store has ─▶ store ─▶ the links bring the rest
//
// What is fetched is a store as a crash of the other would have left it: objects, ledger,
// request ids, and so much of the log that the objects follow. Its log begins there. While it
// is fetched the leader goes on as before, and so does the other, whose clients keep most of
// their rate because it sends no faster than [Rate].
//
// # When
//
// A leader lacks an op when another said that it has it. It waits for it as long as some
// leader in reach has the next op of that origin in its log. It asks for the state when
// nobody does, and this stays so for a while; one leader after another, those with most
// first. The others are asked what their logs begin with, and a leader that lacks nothing
// asks nobody.
//
// # What is installed
//
// [Install] runs before the store is opened. It takes from the old store what the fetched one
// lacks (package carryover): ops, which wait there to be applied again as after a repair; what other leaders have
// under dots that were given twice; the leader's own origins and clocks. A state that lacks
// something of which the old store has no log any more is refused: then the old store is
// ahead, and nothing would bring those ops back. So the new store has all that the old one
// had, and nothing that was deleted comes back: what one of them knows to be gone is covered
// by its frontier, and is told by the ops of the other.
//
// The leader begins a new origin: the mark of the last incarnation lies in the old store.
//
//	store, store.fetched ─▶ store.replaced, store.fetched ─▶ store.replaced, store ─▶ store
//
// Each arrow is one rename or removal, and every start goes on where the last one ended. What
// is carried over is carried over again: it has the same keys. Before the first arrow the old
// store is as it was; a state that cannot be installed is removed and the old store is served.
//
// # What is private
//
// Users, members, marks and attestations do not lie in a store's files. The origin and the
// clocks of the other do, and are replaced before anybody is served.
//
// Invariants:
//
//   - nothing acknowledged here is lost, however a transfer ends;
//   - a file counts as fetched when it has the checksum that its sender says. What is there
//     already is not fetched again, so a transfer goes on after a broken connection, a
//     restart, and with other files at another leader;
//   - a leader sends to one other at a time, and takes no backup meanwhile; it holds a piece
//     in memory;
//   - a transfer that needs more room than there is does not begin, and one that fills the
//     disk ends and gives the room back;
//   - after a failure it rests, twice as long each time, also over a restart.
//
// What the package is not: it decides nothing about ops, opens no connection (package link
// does), and does not say what of a log is removed (package stability).
package transfer
