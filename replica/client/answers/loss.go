package answers

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/wallclock"
)

// Row is one lost write as one leader tells it.
type Row struct {
	resolve.Loss
	Serving  bool
	Value    client.Reply // null: a deletion, or its value is no longer at hand
	Size     int64
	Kind     string
	Class    string // write, increment or deletion; empty: an older server does not say
	Delta    int64
	Accepted string // the leader that accepted it
	Client   string
	Wall     int64
	Text     string
}

// Position is where the row is in the order of answers.
func (r *Row) Position() Position { return positionOf(&r.Loss) }

func positionOf(l *resolve.Loss) Position { return Position{l.Key, l.Loser, l.Resolver} }

// rowOf reads a row of KVD.LOSSES.
func rowOf(r client.Reply) (Row, error) {
	l, err := lossOf(r.Field("resolver").Text, r.Field("relation").Text, r.Field("loser").Text, r.Field("winner").Text)
	l.Key = r.Field("key").Text
	l.At = wallclock.Around(wallclock.Instant(r.Field("at").Number), time.Duration(r.Field("error").Number))
	return Row{Loss: l, Serving: r.Field("serving").Truth(), Value: r.Field("value"), Size: r.Field("size").Number, Kind: r.Field("kind").Text, Class: r.Field("class").Text,
		Delta: r.Field("delta").Number, Accepted: r.Field("leader").Text, Client: r.Field("client").Text, Wall: r.Field("wall").Number,
		Text: r.Field("text").Text}, err
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

// IsIncrement and isUndone say what is gone, where that is more than a value.
func (r *Row) IsIncrement() bool { return r.Class == ledger.Increment.String() }
func (r *Row) IsUndone() bool    { return r.Class == ledger.Deletion.String() }

// IsDeletion reports whether it was the write of a deletion.
func (r *Row) IsDeletion() bool { return r.Kind == resolve.Delete.String() }

// Loss is one lost write and who says so. The row is the first leader's, by name; the
// others say the same, or differ.
type Loss struct {
	Row
	By []Sighting // by leader
}

// Sighting is when one leader decided that a write is lost, by its own clock.
type Sighting struct {
	Leader string
	At     wallclock.Interval
	from   *Listing
}

// winner is the dot that it lost to; empty: nothing that is still there.
func (r *Row) BeatenBy() string {
	if r.Winner.IsZero() {
		return ""
	}
	return r.Winner.String()
}

// Leaders is who holds it in a ledger, by name.
func (l Loss) Leaders() []string {
	var all []string
	for _, s := range l.By {
		all = append(all, s.Leader)
	}
	return all
}

// First is when the first of them decided it, by its own clock.
func (l Loss) First() Sighting {
	first := l.By[0]
	for _, s := range l.By {
		if s.At.Midpoint() < first.At.Midpoint() {
			first = s
		}
	}
	return first
}

// Position is where a loss is in the order of answers.
type Position struct {
	key      string
	loser    logical.Dot
	resolver resolve.ID
}

func (p Position) compare(q Position) int {
	return cmp.Or(strings.Compare(p.key, q.key), p.loser.Compare(q.loser), cmp.Compare(p.resolver, q.resolver))
}
