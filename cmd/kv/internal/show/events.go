package show

import (
	"fmt"
	"strconv"

	"kvd/replica/client/answers"
)

// Event is what a leader says of a loss as a record.
type Event struct{ *answers.Event }

func (e Event) Text(p *Printer) string {
	if e.Kind == answers.EventMissed {
		return fmt.Sprintf("missed %d: kv was too slow for %s; its ledger is asked", e.Count, Printable(e.Leader))
	}
	what := e.Loser
	if v, ok := e.ValueBytes(); ok {
		what = p.Show(Cut(v)) + " " + e.Loser
	}
	if e.AcceptedBy != "" {
		what += ", accepted by " + Printable(e.AcceptedBy) + ","
	}
	head := clockText(e.At) + "  " + p.Show(e.KeyBytes()) + ": "
	if e.Kind == answers.EventRetracted {
		return head + what + " is not lost after all under " + Printable(e.Resolver) + ": a survivor had seen it; so says " + Printable(e.Leader)
	}
	to := "what is no longer there"
	if e.Winner != "" {
		to = e.Winner
	}
	return fmt.Sprintf("%s%s lost to %s, %s under %s; so says %s", head, what, to, e.Relation, e.Resolver, Printable(e.Leader))
}

// Raw is the dot; of missed ones the number.
func (e Event) Raw() string {
	if e.Kind == answers.EventMissed {
		return "missed " + strconv.FormatInt(e.Count, 10)
	}
	return e.Loser
}

func (e Event) Columns() []string {
	return []string{"at", "event", "key", "value", "resolver", "relation", "lost", "to", "accepted by", "said by"}
}

func (e Event) Cells() []string {
	value, _ := e.ValueBytes()
	if e.Kind == answers.EventMissed {
		value = strconv.FormatInt(e.Count, 10)
	}
	return []string{clockText(e.At), e.Kind, Printable(e.KeyBytes()), Brief(value), Printable(e.Resolver), Printable(e.Relation),
		Printable(e.Loser), Printable(e.Winner), Printable(e.AcceptedBy), Printable(e.Leader)}
}

// MarshalJSON tells keys and values as everywhere in kv, not as the feed does.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Kind == answers.EventMissed {
		return marshal(struct {
			Event  string `json:"event"`
			Leader string `json:"leader"`
			Count  int64  `json:"count"`
		}{e.Kind, e.Leader, e.Count})
	}
	out := struct {
		Event      string  `json:"event"`
		Leader     string  `json:"leader"`
		Resolver   string  `json:"resolver"`
		Serving    bool    `json:"serving"`
		Relation   string  `json:"relation"`
		Key        keyName `json:"key"`
		Value      *Blob   `json:"value"`
		Loser      string  `json:"loser"`
		Winner     *string `json:"winner"`
		At         int64   `json:"at"`
		AcceptedBy string  `json:"accepted_by"`
	}{e.Kind, e.Leader, e.Resolver, e.Serving, e.Relation, keyName(e.KeyBytes()), nil, e.Loser, nil, e.At, e.AcceptedBy}
	if v, ok := e.ValueBytes(); ok {
		b := blobOf(v)
		out.Value = &b
	}
	if e.Winner != "" {
		out.Winner = &e.Winner
	}
	return marshal(out)
}
