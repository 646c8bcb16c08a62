// Package stream keeps account of what is on its way to one peer.
//
// Delivery is go-back-N. The ops of one origin are a [Stream]: they leave in their order,
// the peer acknowledges them by how far it is, and what silence makes doubtful is taken
// back and sent again from there. A [Set] is the streams to one peer. A [Merge] chooses
// which of them comes next.
//
// The package sends nothing, reads no log and decides neither which streams are on nor
// when to go back; the core does.
//
// Invariants: Sent is never below what the peer is known to have, and just that while
// nothing is in flight; a stream that is off has nothing in flight.
package stream

import (
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Stream is one origin's ops on their way to one peer.
type Stream struct {
	Origin logical.Origin
	Sent   logical.Seq    // sent up to here
	Last   logical.Seq    // applied here up to here
	On     bool           // sent as soon as it is applied
	Until  wallclock.Mono // when a relayed stream is turned off, to see whether it is still needed

	Lacking bool           // the peer is not known to have all
	Since   wallclock.Mono // while lacking: when that began, what it is known to have last grew, or its first op in flight left

	flight  []shipment     // not known to have arrived, ascending up to Sent
	bytes   int            // of flight
	ahead   int            // bytes on their way up to the first in flight, as was last heard; zero: not asked
	moved   wallclock.Mono // when that last became less
	blocked Oversized      // the op that cannot follow what was sent; zero: none is known
}

// shipment is one op in flight.
type shipment struct {
	bytes int
	end   int // Set.shipped once it had left
}

// Oversized is an op that no message can carry. Nothing that is admitted is one; a log
// that another version wrote may hold one.
type Oversized struct {
	Dot   logical.Dot // zero: there is none
	Key   string
	Bytes int // as resolve.Op.Footprint counts them
	Limit int // what a message can carry
}

// InFlight is how many ops were sent that the peer is not known to have.
func (st *Stream) InFlight() int { return len(st.flight) }

// Acked is how far the peer is known to be.
func (st *Stream) Acked() logical.Seq { return st.Sent - logical.Seq(len(st.flight)) }

// Restart takes back that anything after k is on its way.
func (st *Stream) Restart(k logical.Seq) {
	st.Sent, st.flight, st.bytes, st.ahead = k, st.flight[:0], 0, 0
}

// Progress moves the stream to what the peer has now. One that has more of a relayed
// origin than it was sent gets it from elsewhere again.
func (st *Stream) Progress(k logical.Seq, now wallclock.Mono) {
	st.Since, st.ahead = now, 0
	st.arrived(k)
	if k <= st.Sent {
		return
	}
	st.Restart(k)
	if st.Until != 0 {
		st.On, st.Until = false, 0
	}
}

// arrived takes what the peer has, up to k, out of flight.
func (st *Stream) arrived(k logical.Seq) {
	n := len(st.flight) - int(st.Sent-min(st.Sent, k))
	for _, s := range st.flight[:n] {
		st.bytes -= s.bytes
	}
	st.flight = slices.Delete(st.flight, 0, n)
	if st.blocked.Dot.Seq <= k {
		st.blocked = Oversized{}
	}
}

// Due is when what is in flight has shown no progress for so long; false: nothing is in
// flight.
func (st *Stream) Due(after time.Duration) (wallclock.Mono, bool) {
	return st.Since.Add(after), len(st.flight) > 0
}

// Stalled reports whether that moment has come.
func (st *Stream) Stalled(after time.Duration, now wallclock.Mono) bool {
	due, inFlight := st.Due(after)
	return inFlight && due <= now
}

// Sendable is ops, which follow what was sent, up to the first that takes more than limit
// and that no message could carry. Where that one is next the stream is blocked: a peer
// can pass over no op of an origin. The op is told the first time.
func (st *Stream) Sendable(ops []*resolve.Op, limit int) (fit []*resolve.Op, found Oversized) {
	i := slices.IndexFunc(ops, func(op *resolve.Op) bool { return op.Footprint() > limit })
	if i < 0 {
		return ops, Oversized{}
	}
	if op := ops[i]; i == 0 && st.blocked.Dot != op.Dot {
		st.blocked = Oversized{Dot: op.Dot, Key: op.Key, Bytes: op.Footprint(), Limit: limit}
		found = st.blocked
	}
	return ops[:i:i], found
}

// Blocked reports whether what comes next cannot be sent.
func (st *Stream) Blocked() bool { return st.blocked.Dot.Seq == st.Sent+1 }
