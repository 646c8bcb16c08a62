package replica

import (
	"time"

	"kvd/logical"
	"kvd/replica/internal/guard"
	"kvd/resolve"
	"kvd/wallclock"
)

// Input is what a core can be fed.
type Input interface{ isInput() }

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

	// Guard, once it is broken, makes the request be answered ErrGuard, and once it has lapsed,
	// why; nothing is done. Requests of one call share it: the Decide of one before may break it. Nil:
	// there is none.
	Guard *Guard

	// What the reply is to hold. A Get that asks Whether is shown one empty value
	// if the key has any, and no dots. The reply to a write that is Quiet does not
	// show the key. Keeps (Update) says that its author keeps the values that
	// Decide was shown; without it the slices of what it was shown are the core's again
	// when it returns. Describe (Update) says that Decide wants Written and Bytes.
	// Budget bounds all of it; nil: nothing does.
	Whether, Quiet, Keeps, Describe bool
	Budget                          *Budget

	// Acks and AckLimit are how many leaders are to hold a write durably before it is answered, and
	// how long that may take; zero: as the policy and the leader say. The core knows neither.
	Acks     int
	AckLimit time.Duration

	// Together is the requests that are done all or not at all, of which this is one;
	// nil: it stands for itself.
	Together *Together
}

// Guard keeps requests from being done at the last moment.
type Guard = guard.Guard

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

// Members says how many leaders the cluster is configured with, this one included. A
// majority of them judges clocks; unsaid: of those that were met.
type Members struct{ Count int }

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
func (Members) isInput()      {}
