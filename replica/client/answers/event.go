package answers

import (
	"fmt"
	"strings"

	"kvd/replica/client"
)

// What an event can say.
const (
	EventLost      = "lost"
	EventRetracted = "retracted" // a survivor turns out to have seen it
	EventMissed    = "missed"    // the reader was too slow for so many
)

// Event is one message of a leader's feed, as it comes. Keys and values that are
// not UTF-8 are in base64.
type Event struct {
	Kind        string  `json:"event"`
	Leader      string  `json:"leader"`
	Resolver    string  `json:"resolver"`
	Serving     bool    `json:"serving"`
	Relation    string  `json:"relation"`
	Key         string  `json:"key"`
	KeyBase64   []byte  `json:"key_base64"`
	Loser       string  `json:"loser"`
	Winner      string  `json:"winner"`
	At          int64   `json:"at"` // nanoseconds of Unix time, by the leader's clock
	AcceptedBy  string  `json:"accepted_by"`
	Value       *string `json:"value"`
	ValueBase64 []byte  `json:"value_base64"`
	Count       int64   `json:"count"`
}

// EventOf is a row of a ledger as an event.
func EventOf(r *Row, leader string) *Event {
	e := &Event{Kind: EventLost, Leader: leader, Resolver: r.Resolver.String(), Serving: r.Serving, Relation: r.Relation.String(),
		Key: r.Key, Loser: r.Loser.String(), At: int64(r.At.Midpoint()), AcceptedBy: r.Accepted}
	if !r.Winner.IsZero() {
		e.Winner = r.Winner.String()
	}
	if r.Value.Kind != client.Null {
		e.Value = &r.Value.Text
	}
	return e
}

// KeyBytes is the key as it is.
func (e *Event) KeyBytes() string {
	if e.KeyBase64 != nil {
		return string(e.KeyBase64)
	}
	return e.Key
}

// value is what was lost, if it is known.
func (e *Event) ValueBytes() (string, bool) {
	switch {
	case e.ValueBase64 != nil:
		return string(e.ValueBase64), true
	case e.Value != nil:
		return *e.Value, true
	}
	return "", false
}

// Position is which loss it is about.
func (e *Event) Position() (Position, error) {
	if e.Kind != EventLost && e.Kind != EventRetracted {
		return Position{}, fmt.Errorf("an event called %.60q", e.Kind)
	}
	l, err := lossOf(e.Resolver, e.Relation, e.Loser, e.Winner)
	return Position{e.KeyBytes(), l.Loser, l.Resolver}, err
}

// channel is where to listen.
func (q LossQuery) channel() string {
	if q.Resolver != "" {
		return "kvd:losses:all"
	}
	return "kvd:losses"
}

// Takes reports whether the event is asked for.
func (q LossQuery) Takes(e *Event) bool {
	return strings.HasPrefix(e.KeyBytes(), q.Prefix) && (q.Relation == "" || q.Relation == e.Relation) &&
		(q.Resolver == "" || q.Resolver == "all" || q.Resolver == e.Resolver)
}
