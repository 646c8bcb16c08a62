package oracle

import (
	"time"

	"kvd/scenarios/history"
)

// Class is why an update is lost.
type Class uint8

const (
	Inverted    Class = 1 + iota // beaten, where it was accepted, by something its author had been shown
	Concurrent                   // neither knew of the other
	Durability                   // nothing beat it and it is gone
	Resurrected                  // a delete undone by something older
)

// String names the class. It is the class's text in JSON too.
func (c Class) String() string {
	return [...]string{"", "inverted", "concurrent", "durability", "resurrected"}[c%5]
}

// MarshalText is the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Loss is one acknowledged update that is lost.
type Loss struct {
	Label  string        `json:"label"`
	Key    string        `json:"key"`
	Client string        `json:"client"`
	Verb   history.Verb  `json:"verb"`
	Class  Class         `json:"class"`
	Dots   []string      `json:"dots"`              // the names its acknowledgements gave it
	By     string        `json:"by,omitempty"`      // the label of a survivor; empty: nothing survives
	ByVerb history.Verb  `json:"by_verb,omitempty"` // what By is; zero: nothing survives
	Acked  time.Duration `json:"acked"`             // true time at which its author was told it is durable
}
