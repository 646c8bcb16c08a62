package server

import (
	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// Engine is where requests go.
type Engine interface {
	// Do hands over requests that arrived together: they are taken in order with
	// no other request between them, and share one batch and one sync.
	//
	// Either Do returns an error, has taken nothing and never calls done; or it
	// returns nil and calls done exactly once, on any goroutine, possibly before
	// it returns, with one reply to each request in the order of the requests.
	// The slice of replies is lent for the call; what it points to is immutable.
	//
	// The requests, and the slice of them, are the engine's until it calls done
	// and the edge's again afterwards; only keys and values stay with the engine.
	Do(reqs []*replica.Request, done func([]replica.Reply)) error
}

// Keys is the leader's keys in order, expired and deleted ones left out.
type Keys interface {
	// Scan gives the next n keys after cursor, in key order, that match; nil matches
	// all. Fewer than n is not the end: an empty cursor is the begin, an empty next
	// the end. Keys that are there throughout a whole scan are given exactly once.
	Scan(cursor string, n int, match func(key string) bool) (keys []string, next string, err error)
	// Find is the first key that fits, deleted ones that are still stored among them.
	Find(fits func(key string) bool) (key string, ok bool, err error)
	// Size is the number of keys, possibly an estimate.
	Size() (int64, error)
	// Expiring is how many of those have a deadline, possibly an estimate.
	Expiring() (int64, error)
	// Random is some key that match admits, nil all; false: there is none. Draw is a number below n. Every key
	// can come up, not necessarily as often as others.
	Random(draw func(n int) int, match func(key string) bool) (key string, found bool, err error)
}

// Inspector tells about the leader. All its methods are cheap and may be called
// from any goroutine.
type Inspector interface {
	// Info is the sections of INFO that only the leader can fill.
	Info() []Section
	// Policy is in force; nobody changes what it points to.
	Policy() *resolve.Policy
	// Frontier is what the leader has applied and stored.
	Frontier() logical.Frontier
	// Durable is how many other leaders have durably applied all of f, as each
	// promises durability.
	Durable(f logical.Frontier) int
}

// Section is a part of INFO.
type Section struct {
	Name  string   // as the client names it, compared without case
	Lines []string // "field:value", without line ends
}
