// Package peerview is what a core tells of another leader.
//
// It decides nothing: whoever follows the peer fills it in.
package peerview

import (
	"kvd/logical"
	"kvd/replica/internal/config"
	"kvd/replica/internal/stream"
	"kvd/wallclock"
)

// View is what is known of another leader, for people, metrics and whoever waits until it
// has something.
type View struct {
	Peer    config.Leader
	Up      bool             // can be sent to
	Origin  logical.Origin   // of its last Status; zero: nothing heard yet
	Known   logical.Frontier // what it has applied and stored; immutable
	Durable logical.Frontier // what of it is durable, as its --sync promises it; immutable
	// Floor is what it has promised to stamp its later ops above; zero: nothing.
	Floor    wallclock.Instant
	Behind   uint64           // ops applied here that it is not known to have
	OwnOps   uint64           // those among them that were accepted here in this incarnation
	InFlight int              // ops shipped to it that it is not known to have
	Refused  []logical.Origin // whose ops it does not take; immutable
	Clock    wallclock.Remote // its wall clock; unknown until both have heard each other
	// Unsendable is an op that is too large to be sent to it, and holds up all
	// that its origin accepted after it; zero: none is known.
	Unsendable stream.Oversized
	// Since is when the oldest of those that it lacks was applied, or somewhat
	// before; of what this process found in its store, when it began. Without
	// Behind it means nothing.
	Since wallclock.Mono
}

// Offset bounds how far the peer's wall clock is ahead of ours at our moment m;
// false: it is not known.
func (v *View) Offset(m wallclock.Moment) (wallclock.Offset, bool) { return v.Clock.Offset(m) }
