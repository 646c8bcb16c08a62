package replica

import (
	"errors"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Leader is the name of a node, unique in the cluster and stable over restarts.
type Leader string

// Input is what a core can be fed.
type Input interface{ isInput() }

func (*Request) isInput()     {}
func (Received) isInput()     {}
func (PeerUp) isInput()       {}
func (PeerDown) isInput()     {}
func (Tick) isInput()         {}
func (Sweep) isInput()        {}
func (Synced) isInput()       {}
func (Recovered) isInput()    {}
func (RefuseWrites) isInput() {}
func (AllowWrites) isInput()  {}
func (OriginShared) isInput() {}

// Verb is what a client asks for.
type Verb uint8

// The verbs.
const (
	Get    Verb = 1 + iota // read
	Set                    // write Value
	Remove                 // delete
	Incr                   // add Delta
	Update                 // do what Decide says, in one step with what it read
	Touch                  // let what is shown end at Expires, and leave it as it is; nothing if nothing is shown
	Settle                 // let every leader show the same for the keys of Request.Settlement
)

// Request is a client's. The core keeps it until it is answered.
type Request struct {
	ID    uint64 // chosen by the edge, returned with the reply
	Verb  Verb
	Key   string
	Value []byte // Set: owned by the core from now on
	Delta int64  // Incr
	// Expires is when the value ends, by the clock that the leaders agree on. Zero:
	// never; for an Incr: when the value shown now ends.
	Expires wallclock.Instant

	// Decide (Update) turns what the leader shows into what to write, before
	// anything else can happen to the key. It must be pure; an error is answered
	// as it is, and nothing is written. A retry of an Update that wrote does not
	// ask it again.
	Decide func(Present) (Write, error)

	// Settlement (Settle) is a dot with several contents and which of them is kept. Key
	// is the first one's.
	Settlement *Settlement

	// Retry identity: a request with the same Client and Number is the same
	// write, at whichever leader it arrives. Client zero: not retried.
	Client, Number uint64

	// Token is what the client has seen; the zero Token asks for nothing. A
	// leader behind it waits, at most Config.TokenWait, and then says so.
	Token Token
	// Exact (Set, Remove) says that Shown is what the author had been shown of
	// the key. Otherwise the write goes over whatever the leader shows now.
	Exact bool
	Shown []logical.Dot

	// Guard, once it is broken, makes the request be answered ErrGuard, and nothing is
	// done. Requests of one call share it: the Decide of one before may break it. Nil:
	// there is none.
	Guard *Guard

	// What the reply is to hold. A Get that asks Whether is shown one empty value
	// if the key has any, and no dots. The reply to a write that is Quiet does not
	// show the key. Keeps (Update) says that its author keeps the values that
	// Decide was shown. Describe (Update) says that Decide wants Written and Bytes.
	// Room bounds all of it; nil: nothing does.
	Whether, Quiet, Keeps, Describe bool

	Room *Room

	// Together is the requests that are done all or not at all, of which this is one;
	// nil: it stands for itself.
	Together *Together
}

// Guard keeps the requests of one call from being done when a request before them
// finds that they must not be.
type Guard struct{ Broken bool }

// Present is what a key shows at the moment of an Update.
type Present struct {
	Reading resolve.Reading    // what has expired left out of its values
	Expires wallclock.Instant  // of the value shown first; zero: never
	Now     wallclock.Interval // the time that the leader and its peers agree on

	// If Request.Describe: when the newest of the values shown was written, by its
	// author's clock, and about how much memory the key takes, with values that are
	// kept and not shown.
	Written wallclock.Instant
	Bytes   int64
}

// Write is what an Update does to its key: what a Request with these fields
// would do.
type Write struct {
	Verb    Verb // Set, Remove, Incr, Touch; Get: nothing
	Value   []byte
	Delta   int64
	Expires wallclock.Instant
	Keep    bool // Set: the new value ends when the one shown does
}

// Token is what a client carries from leader to leader: it gives
// read-your-writes, monotonic reads, and writes that follow reads (Terry et al.
// 1994). It is opaque to clients.
type Token struct {
	Frontier logical.Frontier // everything shown or acknowledged to the client
	Lamport  logical.Lamport
	HLC      logical.HLC
}

// Received is a message from a peer.
type Received struct {
	From    Leader
	Message Message
}

// PeerUp says that a peer can be sent to.
type PeerUp struct{ Peer Leader }

// PeerDown says that a peer cannot be reached; nothing about its data.
type PeerDown struct{ Peer Leader }

// Tick says that time has passed: Output.Wake asked for it.
type Tick struct{}

// Synced says how far what was stored is on the disk by now, under
// Config.SyncsLater. Nobody changes the frontier.
type Synced struct{ Frontier *logical.Frontier }

// Recovered is ops of this leader's own log that were found again after its store
// was damaged. They take the road of a peer's, and each must be ready.
type Recovered struct{ Ops []*resolve.Op }

// Sweep names keys that are thought to hold values of this leader's that have
// expired. Those that do are deleted, each by an op of its own. Whoever sweeps
// need not be exact, and bounds how many keys it names at once.
type Sweep struct{ Keys []string }

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
	// Ops lists origin's ops from place from on, ascending, until their sizes
	// ([resolve.Op.Size]) exceed maxBytes together or maxOps are found; at least
	// one if there is one.
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

// PutLoss enters a lost write in the ledger, in place of what was held before of
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
	Origin   logical.Origin // the present life's
	Frontier logical.Frontier
	Lamport  logical.Lamport
	HLC      logical.HLC
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
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	clear(o.Puts)
	clear(o.Sends)
	clear(o.Replies)
	clear(o.Credits)
	clear(o.Events)
	o.Puts, o.Sends, o.Replies, o.Credits, o.Events = o.Puts[:0], o.Sends[:0], o.Replies[:0], o.Credits[:0], o.Events[:0]
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
	Over  []logical.Dot      // writes: the op's parents
	Shown resolve.Reading    // what the key shows now, after the write if it was one
	Token Token              // everything the client has now seen; merge it
}

// What a client can be told. Each is wrapped with what failed and what to do.
var (
	ErrBehind     = errors.New("this leader has not yet applied what the token has seen")
	ErrOverloaded = errors.New("too many requests are waiting at this leader")
	ErrBadRequest = errors.New("bad request")
	ErrSiblings   = errors.New("too many versions side by side")
	ErrGuard      = errors.New("a request before this one forbade it")
	ErrRoom       = errors.New("the values to be shown are larger than there is room for")
)

// Event is a typed fact for logs, metrics, traces and golden files.
type Event interface{ isEvent() }

func (Accepted) isEvent()       {}
func (Applied) isEvent()        {}
func (Judged) isEvent()         {}
func (Held) isEvent()           {}
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

// Accepted: a client's write became an op here; or, as Expiry says, the end of a
// value did.
type Accepted struct {
	Op     *resolve.Op
	Expiry bool
}

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

// Held: an op arrived before what it depends on and waits at the gate.
type Held struct {
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
	Duplicate DropReason = 1 + iota // applied or held already
	GateFull                        // the gate holds all it may, or all of one peer's
	NotOurs                         // it is of our own origin, or depends on one, that we have not accepted
	NoRoom                          // its origin, or one that it depends on, has no place in the frontier
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

// TokenWaited: a request's token was ahead of this leader, and the waiting is
// over.
type TokenWaited struct {
	ID    uint64
	Gave  bool // up: ErrBehind was answered
	Since wallclock.Mono
}
