package show

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// Op is one write of a key as a record.
type Op struct{ answers.Op }

func (o Op) what(show func(string) string) string {
	text := o.Kind
	if o.Delta != 0 {
		text += fmt.Sprintf(" %+d", o.Delta)
	}
	if o.Value.Kind != client.Null {
		text += " " + show(o.Value.Text)
	}
	return text + o.deadline()
}

// deadline says when the value ends or what ended it.
func (o Op) deadline() string {
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }
	switch {
	case o.Ended != 0:
		return ", because its time to live ended at " + at(o.Expires) + " (the leaders' time was " + at(o.Ended) + ")"
	case o.Expires != 0:
		return ", ends at " + at(o.Expires)
	case o.Kind == "touch":
		return ", never ends"
	}
	return ""
}

func (o Op) clock() string {
	return time.Unix(0, o.Wall).UTC().Format("2006-01-02T15:04:05.000000Z") + " ±" + time.Duration(o.Bound).String()
}

func (o Op) Text(p *Printer) string {
	over := "nothing"
	if len(o.Parents) > 0 {
		over = strings.Join(o.Parents, ", ")
	}
	text := fmt.Sprintf("%s  %s\n    over %s; wall %s, hlc %s, lamport %d", o.Dot, o.what(p.Show), over, o.clock(), o.Hlc, o.Lamport)
	if o.Client != "" {
		text += ", client " + o.Client
	}
	return text
}

func (o Op) Raw() string { return o.Value.Text }

func (o Op) Columns() []string {
	return []string{"dot", "kind", "value", "delta", "wall", "hlc", "lamport", "parents", "client", "expires", "ended"}
}

func (o Op) Cells() []string {
	return []string{o.Dot, o.Kind, Printable(o.Value.Text), strconv.FormatInt(o.Delta, 10), o.clock(), o.Hlc,
		strconv.FormatInt(o.Lamport, 10), strings.Join(o.Parents, " "), o.Client,
		strconv.FormatInt(o.Expires, 10), strconv.FormatInt(o.Ended, 10)}
}

// MarshalJSON has the server's fields; value is null where there is none.
func (o Op) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Dot     string   `json:"dot"`
		Kind    string   `json:"kind"`
		Value   Reply    `json:"value"`
		Delta   int64    `json:"delta"`
		Wall    int64    `json:"wall"`
		Error   int64    `json:"error"`
		HLC     string   `json:"hlc"`
		Lamport int64    `json:"lamport"`
		Parents []string `json:"parents"`
		Client  string   `json:"client"`
		Expires int64    `json:"expires,omitempty"`
		Ended   int64    `json:"ended,omitempty"`
	}{o.Dot, o.Kind, Reply{o.Value}, o.Delta, o.Wall, o.Bound, o.Hlc, o.Lamport, o.Parents, o.Client, o.Expires, o.Ended})
}
