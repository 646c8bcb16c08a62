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
