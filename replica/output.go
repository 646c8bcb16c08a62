package replica

import (
	"errors"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Reader is what is stored, with the puts of the running batch laid over it.
// Those that the running Step has already appended to its Output count: a fold
// asks for the op that is being folded and for its duplicates. So whoever makes a
// Reader knows the Output that it goes with.
type Reader interface {
	resolve.History
	// Object is the key's object; never nil. Whoever changes it puts it, and until
	// then reads it from nowhere else. Nothing of it is shared with anybody else
	// except value bytes, which nobody changes.
	Object(key string) *resolve.Object
	// Ops lists origin's ops from seq from on, ascending, until their sizes
	// ([resolve.Op.Size]) exceed maxBytes together or maxOps are found; at least
	// one if there is one, and none if the log does not keep that first one any more.
	Ops(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) []*resolve.Op
	// Request is the dot a request was given here or at a peer whose op was
	// applied; the smaller if two.
	Request(client, number uint64) (logical.Dot, bool)
	// Sum is what the log of through's origin adds up to as far as that; false: it
	// is not at hand. It is at the end of the log, and at each [SumSpan].
	Sum(through logical.Dot) (sum uint64, ok bool)
	// Same reports whether the log holds an op under the dot of op, and whether that
	// is the same in all that is stored.
	Same(op *resolve.Op) (same, held bool)
}

// Put is one thing to store. All puts of a batch are stored, or none.
type Put interface{ isPut() }

func (PutOp) isPut()         {}
func (PutObject) isPut()     {}
func (PutRequest) isPut()    {}
func (PutDuplicates) isPut() {}
func (PutLoss) isPut()       {}
func (DropLoss) isPut()      {}
func (PutConflict) isPut()   {}
func (PutSettled) isPut()    {}
func (PutFloor) isPut()      {}

// PutOp appends to the log of op.Dot.Origin.
type PutOp struct{ Op *resolve.Op }

// PutObject replaces a key's object. One without versions and duplicates is removed.
type PutObject struct{ Object *resolve.Object }

// PutRequest remembers which dot a request was given.
type PutRequest struct {
	Client, Number uint64
	Dot            logical.Dot
}

// PutDuplicates remembers all dots of one request, sorted, in place of what was
// remembered of each before.
type PutDuplicates struct{ Dots []logical.Dot }

// PutLoss enters a lost write in the ledger, in place of what it had of
// the same write and the same resolvers.
type PutLoss struct {
	Resolvers resolve.Mask
	Relation  resolve.Relation // Inverted or Concurrent
	Key       string
	Loser     logical.Dot
	Winner    logical.Dot
	At        wallclock.Interval
}

// Losses yields the loss under each resolver, in table order.
func (p PutLoss) Losses(yield func(resolve.Loss) bool) {
	for id := range p.Resolvers.Each {
		l := resolve.Loss{Resolver: id, Relation: p.Relation, Key: p.Key, Loser: p.Loser, Winner: p.Winner, At: p.At}
		if !yield(l) {
			return
		}
	}
}

// DropLoss retracts a lost write from the ledger.
type DropLoss struct {
	Resolvers resolve.Mask
	Key       string
	Loser     logical.Dot
}

// State is what a core must remember beside log and objects; it is stored with
// every batch.
type State struct {
	Origin   logical.Origin // the present incarnation's
	Frontier logical.Frontier
	Lamport  logical.Lamport
	HLC      logical.HLC
	Floor    wallclock.Instant // every later op is stamped above it (see Promise); zero: nothing is promised
}

// Token is what whoever is shown this state has seen.
func (s State) Token() Token { return Token{Frontier: s.Frontier, Lamport: s.Lamport, HLC: s.HLC} }

// Output is what steps ask for. Nothing in Sends, Replies and Credits may leave before
// Puts, and the core's State, are durable. It is reused: whoever keeps a part
// longer than until the next Reset copies it.
type Output struct {
	Puts    []Put
	Sends   []Send
	Replies []Reply
	Credits []Credit // what peers sent and is no longer held here
	Events  []Event
	Wake    wallclock.Mono // when a Tick is due next, at the latest; set by Ship

	applied []Applied // events point into both
	judged  []Judged
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	clear(o.Puts)
	clear(o.Sends)
	clear(o.Replies)
	clear(o.Credits)
	clear(o.Events)
	clear(o.applied)
	clear(o.judged)
	o.Puts, o.Sends, o.Replies, o.Credits, o.Events = o.Puts[:0], o.Sends[:0], o.Replies[:0], o.Credits[:0], o.Events[:0]
	o.applied, o.judged = o.applied[:0], o.judged[:0]
}

// tellApplied appends the event.
func (o *Output) tellApplied(e Applied) {
	o.applied = append(o.applied, e) // what was appended before stays where events point to
	o.Events = append(o.Events, &o.applied[len(o.applied)-1])
}

// tellJudged appends the event.
func (o *Output) tellJudged(e Judged) {
	o.judged = append(o.judged, e)
	o.Events = append(o.Events, &o.judged[len(o.judged)-1])
}

// Send is a message for a peer.
type Send struct {
	To      Leader
	Message Message
}

// Reply answers a request.
type Reply struct {
	ID  uint64
	Err error // one of the sentinels, wrapped; nil: done, and durable

	Dot   logical.Dot        // writes: the op; the first one when the request was a retry; zero: nothing written
	Retry bool               // writes: the request had been accepted before
	Wrote []byte             // Incr, and an Update that came to one: the outcome
	Delta int64              // writes: what the op adds to a counter
	Wall  wallclock.Interval // writes: what the wall clock said when the op was accepted
	Past  wallclock.Mono     // writes under commit-wait: when the stamp is surely past, by the stopwatch
	Over  []logical.Dot      // writes: the op's parents
	Shown resolve.Reading    // what the key shows now, after the write if it was one
	Token Token              // everything the client has now seen; merge it
}

// What a client can be told. Each is wrapped with what failed and what to do.
var (
	ErrBehind     = errors.New("this leader has not yet applied what the token has seen")
	ErrOverloaded = errors.New("too many requests are waiting at this leader")
	ErrBadRequest = errors.New("bad request")
	ErrDoomed     = errors.New("this write is doomed")
	ErrSiblings   = errors.New("too many versions side by side")
	ErrGuard      = errors.New("a request before this one forbade it")
	ErrTooFew     = errors.New("there are too few leaders")
	ErrClockWide  = errors.New("the error that this leader's clock claims is too wide")
	ErrInDoubt    = errors.New("the outcome is unknown")
	ErrBudget     = errors.New("the values to be shown are larger than there is room for")
)
