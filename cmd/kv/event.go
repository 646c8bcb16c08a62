package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What an event can say.
const (
	eventLost      = "lost"
	eventRetracted = "retracted" // a survivor turns out to have seen it
	eventMissed    = "missed"    // the reader was too slow for so many
)

// event is one message of a leader's feed, as it comes. Keys and values that are
// not UTF-8 are in base64.
type event struct {
	Event       string  `json:"event"`
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

// eventOf is a row of a ledger as an event.
func eventOf(r *row, leader string) *event {
	e := &event{Event: eventLost, Leader: leader, Resolver: r.Resolver.String(), Serving: r.serving, Relation: r.Relation.String(),
		Key: r.Key, Loser: r.Loser.String(), At: int64(r.At.Midpoint()), AcceptedBy: r.accepted}
	if !r.Winner.IsZero() {
		e.Winner = r.Winner.String()
	}
	if r.value.kind != aNull {
		e.Value = &r.value.text
	}
	return e
}

func (e *event) key() string {
	if e.KeyBase64 != nil {
		return string(e.KeyBase64)
	}
	return e.Key
}

// value is what was lost, if it is known.
func (e *event) value() (string, bool) {
	switch {
	case e.ValueBase64 != nil:
		return string(e.ValueBase64), true
	case e.Value != nil:
		return *e.Value, true
	}
	return "", false
}

// place is which loss it is about.
func (e *event) place() (place, error) {
	if e.Event != eventLost && e.Event != eventRetracted {
		return place{}, errors.New("an event called " + brief(e.Event))
	}
	l, err := lossOf(e.Resolver, e.Relation, e.Loser, e.Winner)
	return place{e.key(), l.Loser, l.Resolver}, err
}

// channel is where to listen.
func (w wanted) channel() string {
	if w.resolver != "" {
		return "kvd:losses:all"
	}
	return "kvd:losses"
}

// takes reports whether the event is asked for.
func (w wanted) takes(e *event) bool {
	return strings.HasPrefix(e.key(), w.prefix) && (w.relation == "" || w.relation == e.Relation) &&
		(w.resolver == "" || w.resolver == "all" || w.resolver == e.Resolver)
}

func (e *event) text(p *printer) string {
	if e.Event == eventMissed {
		return fmt.Sprintf("missed %d: kv was too slow for %s; its ledger is asked", e.Count, printable(e.Leader))
	}
	what := e.Loser
	if v, ok := e.value(); ok {
		what = p.show(cut(v)) + " " + e.Loser
	}
	if e.AcceptedBy != "" {
		what += ", accepted by " + printable(e.AcceptedBy) + ","
	}
	head := clockText(e.At) + "  " + p.show(e.key()) + ": "
	if e.Event == eventRetracted {
		return head + what + " is not lost after all under " + printable(e.Resolver) + ": a survivor had seen it; so says " + printable(e.Leader)
	}
	to := "what is no longer there"
	if e.Winner != "" {
		to = e.Winner
	}
	return fmt.Sprintf("%s%s lost to %s, %s under %s; so says %s", head, what, to, e.Relation, e.Resolver, printable(e.Leader))
}

// raw is the dot; of missed ones the number.
func (e *event) raw() string {
	if e.Event == eventMissed {
		return "missed " + strconv.FormatInt(e.Count, 10)
	}
	return e.Loser
}

func (e *event) columns() []string {
	return []string{"at", "event", "key", "value", "resolver", "relation", "lost", "to", "accepted by", "said by"}
}

func (e *event) cells() []string {
	value, _ := e.value()
	if e.Event == eventMissed {
		value = strconv.FormatInt(e.Count, 10)
	}
	return []string{clockText(e.At), e.Event, printable(e.key()), brief(value), printable(e.Resolver), printable(e.Relation),
		printable(e.Loser), printable(e.Winner), printable(e.AcceptedBy), printable(e.Leader)}
}

// MarshalJSON tells keys and values as everywhere in kv, not as the feed does.
func (e *event) MarshalJSON() ([]byte, error) {
	if e.Event == eventMissed {
		return marshal(struct {
			Event  string `json:"event"`
			Leader string `json:"leader"`
			Count  int64  `json:"count"`
		}{e.Event, e.Leader, e.Count})
	}
	out := struct {
		Event      string  `json:"event"`
		Leader     string  `json:"leader"`
		Resolver   string  `json:"resolver"`
		Serving    bool    `json:"serving"`
		Relation   string  `json:"relation"`
		Key        keyName `json:"key"`
		Value      *blob   `json:"value"`
		Loser      string  `json:"loser"`
		Winner     *string `json:"winner"`
		At         int64   `json:"at"`
		AcceptedBy string  `json:"accepted_by"`
	}{e.Event, e.Leader, e.Resolver, e.Serving, e.Relation, keyName(e.key()), nil, e.Loser, nil, e.At, e.AcceptedBy}
	if v, ok := e.value(); ok {
		b := blobOf(v)
		out.Value = &b
	}
	if e.Winner != "" {
		out.Winner = &e.Winner
	}
	return marshal(out)
}
