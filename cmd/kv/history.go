package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
)

// op is one write of a key's history, as the server tells it.
type op struct {
	dot, kind   string
	value       reply // null for a delete
	delta       int64
	wall, bound int64 // nanoseconds: of Unix time, and of what the clock may be wrong
	hlc, client string
	lamport     int64
	parents     []string

	expires int64 // when the value ends; of a deletion: the deadline it had reached; zero: never, or an older server
	ended   int64 // of such a deletion: the time that the leaders agreed on
}

// opOf reads a map {dot, kind, value, delta, wall, error, hlc, lamport, parents,
// client, expires, ended}.
func opOf(r reply) op {
	return op{
		dot: r.field("dot").text, kind: r.field("kind").text, value: r.field("value"), delta: r.field("delta").number,
		wall: r.field("wall").number, bound: r.field("error").number, hlc: r.field("hlc").text, lamport: r.field("lamport").number,
		parents: r.field("parents").texts(), client: r.field("client").text,
		expires: r.field("expires").number, ended: r.field("ended").number,
	}
}

func (o op) what(show func(string) string) string {
	text := o.kind
	if o.delta != 0 {
		text += fmt.Sprintf(" %+d", o.delta)
	}
	if o.value.kind != aNull {
		text += " " + show(o.value.text)
	}
	return text + o.deadline()
}

// deadline says when the value ends or what ended it.
func (o op) deadline() string {
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }
	switch {
	case o.ended != 0:
		return ", because its time to live ended at " + at(o.expires) + " (the leaders' time was " + at(o.ended) + ")"
	case o.expires != 0:
		return ", ends at " + at(o.expires)
	case o.kind == "touch":
		return ", never ends"
	}
	return ""
}

func (o op) clock() string {
	return time.Unix(0, o.wall).UTC().Format("2006-01-02T15:04:05.000000Z") + " ±" + time.Duration(o.bound).String()
}

func (o op) text(p *printer) string {
	over := "nothing"
	if len(o.parents) > 0 {
		over = strings.Join(o.parents, ", ")
	}
	text := fmt.Sprintf("%s  %s\n    over %s; wall %s, hlc %s, lamport %d", o.dot, o.what(p.show), over, o.clock(), o.hlc, o.lamport)
	if o.client != "" {
		text += ", client " + o.client
	}
	return text
}

func (o op) raw() string { return o.value.text }

func (o op) columns() []string {
	return []string{"dot", "kind", "value", "delta", "wall", "hlc", "lamport", "parents", "client", "expires", "ended"}
}

func (o op) cells() []string {
	return []string{o.dot, o.kind, printable(o.value.text), strconv.FormatInt(o.delta, 10), o.clock(), o.hlc,
		strconv.FormatInt(o.lamport, 10), strings.Join(o.parents, " "), o.client,
		strconv.FormatInt(o.expires, 10), strconv.FormatInt(o.ended, 10)}
}

// MarshalJSON has the server's fields; value is null where there is none.
func (o op) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Dot     string   `json:"dot"`
		Kind    string   `json:"kind"`
		Value   reply    `json:"value"`
		Delta   int64    `json:"delta"`
		Wall    int64    `json:"wall"`
		Error   int64    `json:"error"`
		HLC     string   `json:"hlc"`
		Lamport int64    `json:"lamport"`
		Parents []string `json:"parents"`
		Client  string   `json:"client"`
		Expires int64    `json:"expires,omitempty"`
		Ended   int64    `json:"ended,omitempty"`
	}{o.dot, o.kind, o.value, o.delta, o.wall, o.bound, o.hlc, o.lamport, o.parents, o.client, o.expires, o.ended})
}

func keyHistory(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	words := []string{"KVD.HISTORY", k.Args().First()}
	if n := k.Int("count"); n > 0 {
		words = append(words, "COUNT", strconv.Itoa(n))
	}
	r, err := l.do(k.ctx(), words...)
	if unknown(err) {
		return &cliutil.Problem{What: k.subject() + " at " + l.String(), Why: "this server has no KVD.HISTORY: it keeps the writes and does not show them",
			Next: "kv siblings KEY shows what is there now"}
	}
	if err != nil {
		return err
	}
	k.out.list()
	for _, item := range r.items {
		if err := k.out.put(opOf(item)); err != nil {
			return err
		}
	}
	if len(r.items) == 0 {
		return k.absent("no write of the key is kept, at " + l.String())
	}
	return nil
}
