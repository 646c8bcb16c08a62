package oracle

import (
	"time"

	"kvd/scenarios/script"
)

// Class is why an update is lost.
type Class string

const (
	Inverted    Class = "inverted"    // beaten, where it was accepted, by something its author had been shown
	Concurrent  Class = "concurrent"  // neither knew of the other
	Durability  Class = "durability"  // nothing beat it and it is gone
	Resurrected Class = "resurrected" // a delete undone by something older
)

// Loss is one acknowledged update that is lost.
type Loss struct {
	Label  string        `json:"label"`
	Key    string        `json:"key"`
	Client string        `json:"client"`
	Verb   script.OpKind `json:"verb"`
	Class  Class         `json:"class"`
	Dots   []string      `json:"dots"`              // the names its acknowledgements gave it
	By     string        `json:"by,omitempty"`      // the label of a survivor; empty: nothing survives
	ByVerb script.OpKind `json:"by_verb,omitempty"` // what By is; zero: nothing survives
	Acked  time.Duration `json:"acked"`             // true time at which its author was told it is durable
}
