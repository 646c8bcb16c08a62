package history

import (
	"kvd/logical"
	"kvd/scenarios/script"
)

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
