package history

import (
	"slices"
	"time"

	"kvd/logical"
	"kvd/scenarios/script"
)

// Moment says when an event happened.
type Moment struct {
	Turn int32         `json:"turn"` // its number among all events, which is their order; zero: never
	At   time.Duration `json:"at"`   // true time since the scenario's zero
}

// Never reports whether it did not happen.
func (m Moment) Never() bool { return m.Turn == 0 }

// Call is a request and what became of it.
type Call struct {
	Request
	SentAt      Moment         // the first attempt
	AckedAt     Moment         // the first reply that said yes
	Update      int32          // index among Updates; -1: it has no dot
	KeyIndex    int32          // among Keys
	ClientIndex int32          // among Clients
	Acceptances []AcceptanceAt // in order; of a retried request there may be several
}

// Dots lists the dots that the call was given, in their order.
func (c *Call) Dots() []logical.Dot {
	dots := make([]logical.Dot, len(c.Acceptances))
	for i := range c.Acceptances {
		dots[i] = c.Acceptances[i].Dot
	}
	slices.SortFunc(dots, logical.Dot.Compare)
	return dots
}

// Adds reports whether the leader adds to what it shows. What a client's own update
// writes, the client has computed before.
func (c *Call) Adds() bool {
	return c.Verb == script.OpIncr || (c.Verb == script.OpUpdate || c.Verb == script.OpAppend) && !c.Exact
}

// AcceptanceAt is an acceptance, and by whom and when.
type AcceptanceAt struct {
	Acceptance
	Leader int32
	When   Moment
}

// Application is a leader applying an op, its own or a peer's.
type Application struct {
	Leader int32
	Dot    logical.Dot
	When   Moment
}

// DiskLoss is a leader's disk being emptied or replaced by an older one.
type DiskLoss struct {
	Leader int32
	When   Moment
}

// Reply is a reading that reached a client.
type Reply struct {
	When   Moment
	Since  int32 // what the client had learned before this turn, the reading must reflect
	Client int32
	Leader int32
	Key    int32
	Own    int32 // index of the call whose acknowledgement carried it; -1: it answers a read
	Reading
}

// LeaderKey is one key at one leader.
type LeaderKey struct{ Leader, Key string }

// Names numbers strings in the order of their first use.
type Names struct {
	Index map[string]int32
	List  []string
}

func (n *Names) intern(s string) int32 {
	if i, ok := n.Index[s]; ok {
		return i
	}
	if n.Index == nil {
		n.Index = map[string]int32{}
	}
	i := int32(len(n.List))
	n.Index[s] = i
	n.List = append(n.List, s)
	return i
}

// ContradictionKind is in what way servers contradicted themselves or the client.
type ContradictionKind uint8

const (
	Unknown  ContradictionKind = 1 + iota // a reply names a dot that no acknowledgement gave
	Early                                 // a reply names a dot before its acknowledgement; among real processes replies may merely have crossed
	Unshown                               // the server claims that the author had seen what it was never shown
	Unasked                               // accepted or answered what nobody had asked
	Reused                                // one name for two writes
	Circle                                // two writes had each been shown the other
	Miscount                              // a counter that does not add up, or is no number
	Misshown                              // a reading shows other values than its dots stand for
)

// String names the way.
func (c ContradictionKind) String() string {
	names := [...]string{"", "unknown", "early", "unshown", "unasked", "reused", "circle", "miscount", "misshown"}
	if int(c) < len(names) {
		return names[c]
	}
	return ""
}

// Contradiction is a reply that cannot be true. One is a bug, of a server or of
// the runner, whatever the resolver.
type Contradiction struct {
	At   time.Duration
	Kind ContradictionKind
	Key  string
	Dot  logical.Dot
	Why  string
}

// Request is what a client asked of a leader.
type Request struct {
	ID      string // identity: the same for every attempt, and for nothing else
	Label   string // what people call it; empty: its ID
	Client  string
	Session bool // the client carries a token
	Leader  string
	Key     string
	Verb    script.OpKind // all but OpGet write
	Value   string        // what a write puts
	Delta   int64         // what the server adds: OpIncr, and OpUpdate that is not Exact
	// Valued says that Value or Delta is told. A key with a write of which it is not
	// is judged by dots alone.
	Valued bool
	// Exact says that the client writes over Shown, what it had been shown of the
	// key. Otherwise the write goes over whatever the leader shows, and the
	// acknowledgement says what that was.
	Exact bool
	Shown []logical.Dot
}

// Name is what people call the request.
func (r *Request) Name() string {
	if r.Label != "" {
		return r.Label
	}
	return r.ID
}

// Reading is what a leader shows of a key: several values are siblings, none is
// absent. Dots name the writes behind them, deletions among them.
type Reading struct {
	Dots   []logical.Dot
	Values []string
}

// Acceptance is what a leader's acknowledgement says of a write.
type Acceptance struct {
	Dot   logical.Dot   // the name the write was given
	Over  []logical.Dot // what it wrote over
	Delta int64         // what it added to a counter
	After Reading       // what the leader showed of the key right after
	// Unseen says that After is not known: the leader died before it could show
	// anything, and the write was found in its log later.
	Unseen bool
}

// Read is a reply to a read, as its client received it.
type Read struct {
	// Request is the ID it was sent under. What the client learned after that
	// does not oblige this reply; empty: everything learned before its arrival
	// does.
	Request string
	Client  string
	Session bool
	Leader  string
	Key     string
	Reading Reading
}
