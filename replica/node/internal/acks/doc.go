// Package acks withholds the replies of writes until as many leaders hold them durably as
// the policy of their prefix, or their request, asks for, and under commit-wait until their
// stamps are surely past.
//
//	requests ─▶ [Keeper.Do] ─▶ loop ─▶ durable here ─▶ held by enough? past? ─▶ reply
//	                                                     ▲      └ too late ─▶ replica.ErrInDoubt
//	               a peer's status, a sync ─▶ [Keeper.Notify]
//
// A write is one op like any other: it is durable here, shown, and shipped, before anybody
// counts. So a reply that does not come in time says that the outcome is unknown and never
// that nothing was written; the op arrives at the others once they can be reached. What
// counts is what [replica.PeerView.Durable] says, as the --sync of each leader promises it,
// and this leader as one of them. The term is Kafka's (acks) and Cassandra's (consistency
// level); unlike theirs, a level says nothing about reads.
//
// A write whose level no set of members can reach is refused before it is done.
//
// # Commit-wait
//
// The core says in its reply when a write's stamp is past, by the stopwatch alone
// (wallclock.Moment.Past): a clock that is set while a write waits changes nothing for it.
// The wait goes on beside the sync and beside other leaders' acknowledgements. A write of a
// clock that claims more error than there is time to wait for is refused before it is done;
// one whose stamp was lifted far ahead (doomed=lift) is answered as in doubt at once, or where
// its call waits for other leaders as well, once they hold all of it.
//
// What it is not: it ships nothing, and holds back no other connection. Requests of one call
// are answered together, so that a pipeline's replies keep their order.
//
// Invariants:
//
//   - a reply without an error was given when the op was durable at N leaders: it survives
//     the loss of any N-1 disks;
//   - a reply without an error to a write under commit-wait was given when true time was past
//     all of its stamp, if the leader's clock claimed the truth when it gave that stamp;
//   - every call that was taken is answered once, whatever happens: in time, too late, or
//     when the leader ends;
//   - calls that ask for none of it pass without a lock, a copy or a timer.
package acks
