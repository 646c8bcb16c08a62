package resolve

import (
	"kvd/logical"
	"kvd/wallclock"
)

// Kind is what the author meant.
type Kind uint8

// The kinds of op. Their numbers are stored; new ones go at the end.
const (
	Put    Kind = 1 + iota // the key shall hold Value
	Delete                 // the key shall hold nothing
	Add                    // the key's number shall grow by Delta
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Put:
		return "put"
	case Delete:
		return "delete"
	case Add:
		return "add"
	}
	return "unknown"
}

// Op is one accepted write and all the evidence any resolver asks for. It is
// immutable once accepted: one content for its dot, for ever. Versions share
// its Value, so nobody may write to those bytes.
type Op struct {
	Dot     logical.Dot
	Key     string
	Kind    Kind
	Value   []byte            // what a register holds afterwards; nil for Delete
	Expires wallclock.Instant // when the value ends; zero: never

	// Counter evidence. Delta is what the op adds; Total is the origin's running
	// total for the key, Delta included; Prev is the place of the origin's op
	// that carried the total before (zero: none was live). For Delete, Seen
	// holds the running totals of those Parents that carried one, which come
	// first, so that a reset takes away exactly what its author saw.
	Delta int64
	Total int64
	Prev  logical.Seq
	Seen  []int64

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

	// Retry identity: the same request is one write, at whichever leader it is
	// retried. Zero Client: the author does not retry.
	Client, Request uint64
}

// HasRequest reports whether the op can be recognised when it is retried.
func (o *Op) HasRequest() bool { return o.Client != 0 }
