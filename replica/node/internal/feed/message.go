package feed

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"kvd/resolve"
)

// valueBytes is how much of a lost value a message carries.
const valueBytes = 256

// lossMessage is the JSON that readers get. Keys and values that are not UTF-8
// are told in base64 instead.
type lossMessage struct {
	Event       string  `json:"event"` // lost, or retracted
	Leader      string  `json:"leader"`
	Resolver    string  `json:"resolver"`
	Serving     bool    `json:"serving"`
	Relation    string  `json:"relation"` // empty when retracted
	Key         *string `json:"key,omitempty"`
	KeyBase64   []byte  `json:"key_base64,omitempty"`
	Loser       string  `json:"loser"`
	Winner      string  `json:"winner"`  // empty: none
	At          int64   `json:"at"`      // nanoseconds of Unix time, by this leader's clock
	AtTime      string  `json:"at_time"` // the same, exact where numbers are read as floating point: RFC 3339
	AcceptedBy  string  `json:"accepted_by"`
	Value       *string `json:"value,omitempty"` // absent: a deletion, or no longer in the log
	ValueBase64 []byte  `json:"value_base64,omitempty"`
	Size        int     `json:"size,omitempty"` // of the whole value, where only its begin is told
}

type value struct {
	there bool
	begin []byte
	size  int // of all of it
}

func (h *Hub) encode(e *event, serving bool) *message {
	v := e.Verdict
	m := lossMessage{
		Event: "lost", Leader: h.cfg.Leader, Resolver: e.by.String(), Serving: serving, Relation: v.Relation.String(),
		Loser: v.Loser.String(), At: int64(e.At), AtTime: e.At.Time().Format(time.RFC3339Nano), AcceptedBy: h.cfg.NameOf(v.Loser.Origin),
	}
	if v.Retracted {
		m.Event, m.Relation = "retracted", ""
	}
	if !v.Winner.IsZero() {
		m.Winner = v.Winner.String()
	}
	m.Key, m.KeyBase64 = textOrBytes([]byte(e.Key))
	if lost := h.valueOf(e); lost.there {
		m.Value, m.ValueBase64 = textOrBytes(lost.begin)
		if lost.size > len(lost.begin) {
			m.Size = lost.size
		}
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	_ = out.Encode(m) // nothing in it can fail
	return &message{m.Event, bytes.TrimSuffix(b.Bytes(), []byte("\n")), 1}
}

// valueOf reads the loser's value from the log. A log that cannot be read stops
// the leader elsewhere; here the value is left out.
func (h *Hub) valueOf(e *event) value {
	if h.last == e.Verdict.Loser {
		return h.value
	}
	h.last, h.value = e.Verdict.Loser, value{}
	op, ok, err := h.cfg.Op(e.Verdict.Loser)
	if err == nil && ok && op.Kind != resolve.Delete {
		h.value = value{true, begin(op.Value), len(op.Value)}
	}
	return h.value
}

// begin is a copy of at most valueBytes of a value. Text is cut between
// characters.
func begin(v []byte) []byte {
	short := v[:min(len(v), valueBytes)]
	if len(short) < len(v) {
		for i := 0; i < utf8.UTFMax && !utf8.Valid(short); i++ {
			short = short[:len(short)-1]
		}
		if !utf8.Valid(short) { // it was no text before either
			short = v[:valueBytes]
		}
	}
	return bytes.Clone(short)
}

// textOrBytes is the one that fits.
func textOrBytes(b []byte) (*string, []byte) {
	if !utf8.Valid(b) {
		return nil, b
	}
	s := string(b)
	return &s, nil
}
