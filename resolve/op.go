package resolve

import (
	"kvd/logical"
	"kvd/resolve/limits"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// Kind is what the author meant.
type Kind uint8

// The kinds of op. Their numbers are stored; new ones go at the end.
const (
	Put    Kind = 1 + iota // the key shall hold Value
	Delete                 // the key shall hold nothing
	Add                    // the key's number shall grow by Delta
	Touch                  // the versions in Parents shall expire at Expires; nothing else changes
)

var kinds = [...]string{"unknown", Put: "put", Delete: "delete", Add: "add", Touch: "touch"}

// String names the kind.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return kinds[0]
}

// Op is one accepted write and all the evidence any resolver asks for. It is
// immutable once accepted: one content for its dot, for ever. Versions share
// its Value, so nobody may write to those bytes.
type Op struct {
	Dot   logical.Dot
	Key   string
	Kind  Kind
	Value []byte // what a register holds afterwards; nil for Delete
	// Expires is the deadline of the value; zero: none. Of a Delete it is the deadline
	// that the deleted value had reached; zero: a client deleted it.
	Expires wallclock.Instant
	// Stated is whose statement Expires is and how it ranks among others (see
	// [Op.Statement]). Zero: a deadline is the op's own statement and ranks by its hybrid
	// stamp, and without a deadline only a Touch states anything.
	Stated Stamp
	// Expired is set when resolvers judge the op by other stamps than its leader's clocks
	// showed: it deletes what had reached its deadline, or, without At, it is a client's
	// write that was lifted above what would have beaten it. Immutable.
	Expired *Expiry

	// Counter evidence. Delta is what the op adds; Total is the origin's running
	// total for the key, Delta included; Prev is the seq of the origin's op
	// that carried the total before (zero: none was live). For Delete, Seen
	// holds the running totals of those Parents that carried one, which come
	// first, so that a reset takes away exactly what its author saw.
	Delta number.Int128
	Total number.Int128
	Prev  logical.Seq
	Seen  []number.Int128

	Parents []logical.Dot    // versions the author had been shown; empty: a blind write
	Hidden  []logical.Dot    // other live versions the leader held and did not show
	Deps    logical.Frontier // what the leader had applied when it accepted

	// The three clocks of the accepting leader, read once.
	Wall    wallclock.Interval
	HLC     logical.HLC
	Lamport logical.Lamport

	// Inverted marks the resolvers under which the op was beaten, where it was
	// accepted, by a version its author had been shown: DDIA figure 8-3.
	Inverted Mask

	// Panel is the resolvers that judged where the op was accepted: for them
	// Hidden, the counter evidence and Inverted are recorded, for all others they
	// follow from the rest of the op. Zero: an op from before this was recorded.
	Panel Mask
	// Unseen is what the serving resolver showed there and the author had not been
	// shown: it wrote by an older reading. The op covers everything else that its
	// leader had applied.
	Unseen []logical.Dot

	// Retry identity: the same request is one write, at whichever leader it is
	// retried. Zero Client: the author does not retry.
	Client, Request uint64

	// Settles is a dot that two leaders had given to two writes: the op is part of its
	// mend, after which every leader shows the same for their keys. Zero: none.
	Settles logical.Dot
}

// Size is what the op takes in bytes beyond [limits.OpBase]: key, value and evidence. It
// is about what they take in memory and at least what they take encoded. It costs
// the same for every op.
func (o *Op) Size() int {
	return len(o.Key) + len(o.Value) + limits.Dot*(len(o.Parents)+len(o.Hidden)+len(o.Unseen)+o.Deps.Len()) + limits.Total*len(o.Seen)
}

// Expiry is the evidence of a deletion that no client asked for. Its stamps are not
// readings of clocks: they are just above those of what it deletes, and resolvers judge
// by them, so that the expiry of a value beats nothing that is newer than the value.
type Expiry struct {
	At      wallclock.Instant // the time that the leader and its peers agreed on; zero: a write was lifted
	Wall    wallclock.Interval
	HLC     logical.HLC
	Lamport logical.Lamport
}

// IsExpiry reports whether the op deletes what had reached its deadline.
func (o *Op) IsExpiry() bool { return o.Expired != nil && o.Expired.At != 0 }

// IsLifted reports whether the op's stamps were raised above what would have beaten it.
func (o *Op) IsLifted() bool { return o.Expired != nil && o.Expired.At == 0 }

// Stamps is what resolvers judge the op by.
func (o *Op) Stamps() (wallclock.Interval, logical.HLC, logical.Lamport) {
	if o.Expired != nil {
		return o.Expired.Wall, o.Expired.HLC, o.Expired.Lamport
	}
	return o.Wall, o.HLC, o.Lamport
}

// Footprint is about what the op takes in memory.
func (o *Op) Footprint() int { return limits.OpBase + o.Size() }

// HasRequest reports whether the op can be recognised when it is retried.
func (o *Op) HasRequest() bool { return o.Client != 0 }
