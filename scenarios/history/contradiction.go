package history

import (
	"time"

	"kvd/logical"
)

// ContradictionKind is in what way servers contradicted themselves or the client.
type ContradictionKind uint8

// The ways.
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
