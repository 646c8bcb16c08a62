package replica

import (
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Message is what leaders say to each other.
type Message interface{ isMessage() }

func (*Batch) isMessage()  {}
func (*Status) isMessage() {}

// Batch ships ops: of one origin ascending without gaps; several origins may
// follow each other.
type Batch struct {
	Ops []*resolve.Op
}

// Status says what its sender has applied and stored: an acknowledgement, a
// request to resume from there, and a heartbeat.
type Status struct {
	Origin   logical.Origin // the sender's own origin; a new one is a new incarnation
	Number   uint64         // rises within an incarnation; older ones are stale
	Frontier logical.Frontier
	Lamport  logical.Lamport
	HLC      logical.HLC
	// Synced is what of the Frontier is durable as the sender promises it; nil: all
	// of it. A sender that syncs later than it stores says less than all.
	Synced *logical.Frontier

	// Floor is what the sender has promised: all of what it accepts beyond the Frontier is
	// stamped above it. Zero: it has promised nothing.
	Floor wallclock.Instant

	// Wall is the sender's clock as this was made, and Echo tells of the receiver's
	// last Status that carried one. They go to each peer by its own, once a
	// Heartbeat; the zero Wall: this Status is not one of those.
	Wall wallclock.Interval
	Echo Echo

	// Notes about origins, each list bounded. Refused and Shared ascend.
	Refused []logical.Origin // whose ops the sender does not take: its frontier is full
	Shared  []logical.Origin // that the sender has met two live leaders with
	Sums    []Sum            // what the sender's logs add up to; each origin in its turn
	Again   []logical.Dot    // from where the sender wants to compare an origin's ops
}

// durable is what of the frontier is durable.
func (s *Status) durable() logical.Frontier {
	if s.Synced != nil {
		return *s.Synced
	}
	return s.Frontier
}

// Echo names a Status that its receiver had got, and how long ago by its own
// stopwatch: with it a round trip can be taken apart, as NTP does. Life zero:
// none.
type Echo struct {
	Origin logical.Origin // of the Status
	Number uint64         // of the Status
	Held   time.Duration
}
