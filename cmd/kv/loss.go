package main

import (
	"fmt"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/wallclock"
)

// row is one lost write as one leader tells it.
type row struct {
	resolve.Loss
	serving  bool
	value    reply // null: a deletion, or its value is no longer at hand
	size     int64
	kind     string
	class    string // write, increment or deletion; empty: an older server does not say
	delta    int64
	accepted string // the leader that accepted it
	client   string
	wall     int64
	text     string
}

func (r *row) at() place { return placeOf(&r.Loss) }

func placeOf(l *resolve.Loss) place { return place{l.Key, l.Loser, l.Resolver} }

// rowOf reads a row of KVD.LOSSES.
func rowOf(r reply) (row, error) {
	l, err := lossOf(r.field("resolver").text, r.field("relation").text, r.field("loser").text, r.field("winner").text)
	l.Key = r.field("key").text
	l.At = wallclock.Around(wallclock.Instant(r.field("at").number), time.Duration(r.field("error").number))
	return row{Loss: l, serving: truth(r.field("serving")), value: r.field("value"), size: r.field("size").number, kind: r.field("kind").text, class: r.field("class").text,
		delta: r.field("delta").number, accepted: r.field("leader").text, client: r.field("client").text, wall: r.field("wall").number,
		text: r.field("text").text}, err
}

// lossOf reads names. No winner is an empty one.
func lossOf(resolver, relation, loser, winner string) (l resolve.Loss, err error) {
	if l.Resolver, err = resolve.ParseID(resolver); err != nil {
		return l, err
	}
	switch relation {
	case resolve.Inverted.String():
		l.Relation = resolve.Inverted
	case resolve.Concurrent.String():
		l.Relation = resolve.Concurrent
	default:
		return l, fmt.Errorf("unknown relation %q", relation)
	}
	if l.Loser, err = logical.ParseDot(loser); err == nil && winner != "" {
		l.Winner, err = logical.ParseDot(winner)
	}
	return l, err
}

// loss is one lost write and who says so.
type loss struct {
	row
	by []ledger.Sighting // by leader
}

func (l loss) winner() string {
	if l.Winner.IsZero() {
		return ""
	}
	return l.Winner.String()
}

func (l loss) leaders() []string {
	var all []string
	for _, s := range l.by {
		all = append(all, s.Leader)
	}
	return all
}

// clockText is an instant of a leader's clock.
func clockText(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }

// first is when the first of them decided it, by its own clock.
func (l loss) first() ledger.Sighting {
	first := l.by[0]
	for _, s := range l.by {
		if s.At.Midpoint() < first.At.Midpoint() {
			first = s
		}
	}
	return first
}

// lost is the write in a word or two; JSON has all of the value that came.
func (l loss) lost() string {
	switch {
	case l.value.kind != aNull:
		return brief(l.value.text)
	case l.kind == resolve.Delete.String():
		return "(a deletion)"
	}
	return "(no longer at hand)"
}

func (l loss) text(p *printer) string {
	to := "what is no longer here"
	if w := l.winner(); w != "" {
		to = w
	}
	first := l.first()
	return fmt.Sprintf("%s: %s\n    lost %s to %s, %s under %s; first decided %s at %s; held by %s", p.show(l.Key), p.show(l.row.text),
		l.Loser, to, l.how(), l.Resolver, clockText(int64(first.At.Midpoint())), printable(first.Leader), series(shownAll(l.leaders())))
}

// how is the relation, and what is gone if that is more than a value.
func (l loss) how() string {
	switch l.class {
	case ledger.Increment.String():
		return l.Relation.String() + ", an increment"
	case ledger.Deletion.String():
		return l.Relation.String() + ", a deletion undone"
	}
	return l.Relation.String()
}

// raw is the dot, which kv fate and kv restore take.
func (l loss) raw() string { return l.Loser.String() }

func (l loss) columns() []string {
	return []string{"key", "value", "resolver", "relation", "class", "lost", "to", "accepted by", "decided", "held by"}
}

func (l loss) cells() []string {
	return []string{printable(l.Key), l.lost(), l.Resolver.String(), l.Relation.String(), printable(l.class), l.Loser.String(), l.winner(),
		printable(l.accepted), clockText(int64(l.first().At.Midpoint())), strings.Join(shownAll(l.leaders()), " ")}
}

// sightingJSON is when one leader decided it, by its own clock.
type sightingJSON struct {
	Leader string `json:"leader"`
	At     int64  `json:"at"`
	Error  int64  `json:"error"`
}

// lossJSON has the server's fields, and who says so. The value may be cut; size
// is that of all of it.
type lossJSON struct {
	Resolver   string         `json:"resolver"`
	Serving    bool           `json:"serving"`
	Relation   string         `json:"relation"`
	Key        keyName        `json:"key"`
	Loser      string         `json:"loser"`
	Winner     *string        `json:"winner"`
	Value      reply          `json:"value"`
	Size       int64          `json:"size"`
	Kind       string         `json:"kind"`
	Class      string         `json:"class"`
	Delta      int64          `json:"delta"`
	AcceptedBy string         `json:"accepted_by"`
	Client     string         `json:"client"`
	Wall       int64          `json:"wall"`
	By         []sightingJSON `json:"by"`
	Text       string         `json:"text"`
}

// MarshalJSON gives null where there is no winner or no value.
func (l loss) MarshalJSON() ([]byte, error) {
	out := lossJSON{l.Resolver.String(), l.serving, l.Relation.String(), keyName(l.Key), l.Loser.String(), nil, l.value, l.size, l.kind, l.class, l.delta,
		l.accepted, l.client, l.wall, nil, l.row.text}
	if w := l.winner(); w != "" {
		out.Winner = &w
	}
	for _, s := range l.by {
		out.By = append(out.By, sightingJSON{s.Leader, int64(s.At.Midpoint()), int64(s.At.HalfWidth())})
	}
	return marshal(out)
}

func (lossList) text(*printer) string { return "" }
func (lossList) raw() string          { return "" }
func (lossList) columns() []string    { return nil }
func (lossList) cells() []string      { return nil }

// MarshalJSON is all of it, or, as the last line of many, what there is to say
// about the lines before.
func (l lossList) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Losses      []loss     `json:"losses,omitzero"`
		More        bool       `json:"more"`
		Differences []string   `json:"differences"`
		Missing     []absentee `json:"missing"`
	}{l.losses, l.more, append([]string{}, l.differs...), absentees(l.missing)})
}
