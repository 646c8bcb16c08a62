package replica

import (
	"time"

	"kvd/logical"
	"kvd/replica/internal/stream"
	"kvd/resolve"
	"kvd/resolve/doomed"
	"kvd/wallclock"
)

// Event is a typed fact for logs, metrics, traces and golden files. Those that every op
// brings about are pointers, into the memory of the Output that holds them.
type Event interface{ isEvent() }

func (Accepted) isEvent()       {}
func (*Applied) isEvent()       {}
func (*Judged) isEvent()        {}
func (Buffered) isEvent()       {}
func (Dropped) isEvent()        {}
func (ClockAhead) isEvent()     {}
func (DuplicateFound) isEvent() {}
func (PeerBehind) isEvent()     {}
func (TokenWaited) isEvent()    {}
func (WritesRefused) isEvent()  {}
func (WritesAllowed) isEvent()  {}
func (OriginTwice) isEvent()    {}
func (LogsDiffer) isEvent()     {}
func (ConflictFound) isEvent()  {}
func (Unsendable) isEvent()     {}
func (ClockSuspected) isEvent() {}
func (Doomed) isEvent()         {}

// Accepted: a client's write became an op here; or, if the op is an expiry, the end of a
// value did.
type Accepted struct{ Op *resolve.Op }

// Applied: a peer's op was applied here.
type Applied struct {
	Op   *resolve.Op
	From Leader
}

// Judged: folding gave a verdict, under each of its resolvers.
type Judged struct {
	Key     string
	Verdict resolve.Verdict
	At      wallclock.Instant // the midpoint of this leader's clock, as in the ledger
}

// Buffered: an op arrived before what it depends on and waits at the gate.
type Buffered struct {
	Dot logical.Dot
	Gap bool // an op of the same origin is missing, not only a dependency
}

// Dropped: a message's op was let go; the sender will ship it again.
type Dropped struct {
	Dot    logical.Dot
	Reason DropReason
}

// DropReason says why.
type DropReason uint8

// The reasons.
const (
	Duplicate      DropReason = 1 + iota // applied or buffered already
	GateFull                             // the gate is at its limit, or one peer's part of it
	NotOurs                              // it is of our own origin, or depends on one, that we have not accepted
	TooManyOrigins                       // its origin, or one that it depends on, would be one too many for the frontier
)

// ClockAhead: a hybrid stamp is further ahead than the guard allows and was not
// absorbed. The op Dot was applied all the same; zero: it was a client's token.
type ClockAhead struct {
	Dot   logical.Dot
	Ahead time.Duration
}

// DuplicateFound: two leaders had accepted the same request; A is the smaller dot.
// Where more had, there is one for each after the first.
type DuplicateFound struct {
	A, B logical.Dot
	Dots int // how many the request has by now
}

// PeerBehind: ops are shipped to a peer again, or another origin's ops for the
// first time, because it lacked them for too long.
type PeerBehind struct {
	Peer   Leader
	Origin logical.Origin
	From   logical.Seq
}

// ClockSuspected: our own clock lies outside of where most members place true time, or
// does not any more.
type ClockSuspected struct {
	Over    bool
	Outside time.Duration // positive: ahead
}

// Doomed: a client's write had a stamp that loses where it is accepted, to the version By,
// and was accepted, refused or lifted. The Dot of one that was refused is another's.
type Doomed struct {
	Dot, By logical.Dot
	Fate    doomed.Fate
}

// OversizedOp is an op that no message can carry.
type OversizedOp = stream.Oversized

// Unsendable: an op is larger than what can be sent, so that neither it nor what
// its origin accepted after it reaches the peer. It is told once for as long as the
// peer is up.
type Unsendable struct {
	Peer Leader
	Op   OversizedOp
}

// TokenWaited: a request's token was ahead of this leader, and the waiting is
// over.
type TokenWaited struct {
	ID     uint64
	GaveUp bool // up: ErrBehind was answered
	Since  wallclock.Mono
}
