package answers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
	"kvd/wallclock"
)

// Row is one lost write as one leader tells it, in a map that has, beside the loss: serving,
// value (null: a deletion, or no longer at hand), size, kind, class (write, increment or
// deletion; empty: an older server does not say), delta, leader (that accepted it), client,
// wall and text.
type Row struct {
	resolve.Loss
	Told client.Reply
}

// Position is where the row is in the order of answers.
func (r *Row) Position() Position { return positionOf(&r.Loss) }

func positionOf(l *resolve.Loss) Position { return Position{l.Key, l.Loser, l.Resolver} }

func rowOf(r client.Reply) (Row, error) {
	l, err := lossOf(r.Field("resolver").Text, r.Field("relation").Text, r.Field("loser").Text, r.Field("winner").Text)
	l.Key = r.Field("key").Text
	l.At = wallclock.Around(wallclock.Instant(r.Field("at").Int), time.Duration(r.Field("error").Int))
	return Row{l, r}, err
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

// IsIncrement and IsUndone say what is gone, where that is more than a value.
func (r *Row) IsIncrement() bool { return r.Told.Field("class").Text == ledger.Increment.String() }
func (r *Row) IsUndone() bool    { return r.Told.Field("class").Text == ledger.Deletion.String() }

// IsDeletion reports whether it was the write of a deletion.
func (r *Row) IsDeletion() bool { return r.Told.Field("kind").Text == resolve.Delete.String() }

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

// LossQuery is which losses are asked for.
type LossQuery struct {
	Prefix, Relation string
	Resolver         string        // empty: the one that serves
	Back             time.Duration // since; zero: absolute
	Since            int64         // nanoseconds of Unix time; zero: all
	Limit            int
}

// words is the command, without its page.
func (q LossQuery) words(since int64) []string {
	words := []string{"KVD.LOSSES"}
	for _, o := range [][2]string{{"PREFIX", q.Prefix}, {"RELATION", q.Relation}, {"RESOLVER", q.Resolver}} {
		if o[1] != "" {
			words = append(words, o[0], o[1])
		}
	}
	if since > 0 {
		words = append(words, "SINCE", strconv.FormatInt(since, 10))
	}
	return words
}

// PageRows is how many rows are asked for at a time.
const PageRows = 1000

// To asks one leader, page by page. The error is a *client.Refusal.
func (q LossQuery) To(ctx context.Context, l *client.Leader) (Listing, error) {
	since := q.Since
	if q.Back > 0 {
		r, err := l.Do(ctx, "KVD.LOSSES", "COUNT", "1")
		if err != nil {
			return Listing{}, err
		}
		since = r.Field("now").Int - int64(q.Back)
	}
	return q.pages(ctx, l, since)
}

// pages asks for what was decided since then, in nanoseconds of the leader's clock.
func (q LossQuery) pages(ctx context.Context, l *client.Leader, since int64) (Listing, error) {
	var out Listing
	for cursor := ""; ; {
		page := PageRows
		if q.Limit > 0 {
			page = min(page, q.Limit-len(out.Rows))
		}
		words := append(q.words(since), "COUNT", strconv.Itoa(page))
		if cursor != "" {
			words = append(words, "AFTER", cursor)
		}
		r, err := l.Do(ctx, words...)
		if err != nil {
			return Listing{}, err
		}
		if err := out.take(l, r, cursor == ""); err != nil {
			return Listing{}, err
		}
		next := r.Field("next")
		if out.more = !next.IsNull(); !out.more || q.Limit > 0 && len(out.Rows) >= q.Limit {
			return out, nil
		}
		if next.Text == cursor {
			return Listing{}, client.NewRefusal(l, "KVD.LOSSES", errors.New("the answer says that there is more, and not where"))
		}
		cursor = next.Text
	}
}

// Listing is what one leader said about losses.
type Listing struct {
	client.Responder
	now     int64 // its clock
	Evicted int64
	Rows    []Row // by position
	more    bool  // there are others behind the last row
	moved   bool  // it applied something while it was asked
}

func (g *Listing) take(l *client.Leader, r client.Reply, first bool) error {
	v, err := client.ResponderOf(l, "KVD.LOSSES", r)
	if err != nil {
		return err
	}
	g.moved = g.moved || !first && v.Applied.Compare(g.Applied) != logical.Equal
	g.Responder, g.now, g.Evicted = v, r.Field("now").Int, r.Field("evicted").Int
	for _, item := range r.Field("rows").Items {
		one, err := rowOf(item)
		if err != nil {
			return client.NewRefusal(l, "KVD.LOSSES", fmt.Errorf("the answer cannot be read: %w", err))
		}
		g.Rows = append(g.Rows, one)
	}
	return nil
}

// Respondents is their names.
func Respondents(said []Listing) []string {
	var all []string
	for _, g := range said {
		all = append(all, g.Name)
	}
	return all
}

// LossList is what all leaders said.
type LossList struct {
	Losses []Loss // by position
	// Differs names rows that leaders do not agree about although they have applied the
	// same. After quiet there are none.
	Differs []string
	More    bool
	Missing []client.Absentee
}

// MergeLosses makes one list of what several leaders said. Leaders that have not applied
// the same do not disagree, not all has arrived everywhere; nor does one disagree that
// lacks a row and has evicted some. Of those that have more than was asked for, only what
// all were asked about is taken, or the rest would seem to differ.
func MergeLosses(said []Listing, missing []client.Absentee, q LossQuery) LossList {
	last, bounded := horizon(said, q.Limit)
	m := merging{said: slices.Clone(said), list: LossList{More: bounded, Missing: missing}}
	slices.SortStableFunc(m.said, func(a, b Listing) int { return strings.Compare(a.Name, b.Name) })
	var rows []Loss
	for i := range m.said {
		g := &m.said[i]
		for _, r := range g.Rows {
			if !bounded || r.Position().compare(last) <= 0 {
				rows = append(rows, Loss{r, []Sighting{{g.Name, r.At, g}}})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Resolver, b.Resolver), a.Position().compare(b.Position()))
	})
	m.unite(rows)
	if q.Back > 0 || q.Since > 0 { // each leaves out by its own clock what another may have
		m.said = nil
	}
	for i := range m.list.Losses {
		m.lacking(&m.list.Losses[i])
	}
	slices.SortStableFunc(m.list.Losses, func(a, b Loss) int { return a.Position().compare(b.Position()) })
	return m.list
}

type merging struct {
	said []Listing // by name
	list LossList
}

// unite makes one of the rows that are about the same write; where they differ the first
// stands.
func (m *merging) unite(rows []Loss) {
	for _, row := range rows {
		if n := len(m.list.Losses); n > 0 && m.list.Losses[n-1].Position() == row.Position() {
			first := &m.list.Losses[n-1]
			m.compare(first, &row)
			first.By = append(first.By, row.By...)
			continue
		}
		m.list.Losses = append(m.list.Losses, row)
	}
}

// compare names where a leader tells a row otherwise.
func (m *merging) compare(first, other *Loss) {
	one, two := first.By[0], other.By[0]
	switch {
	case first.Relation != other.Relation:
		m.differ(first, two.Leader, fmt.Sprintf("says %s, %s %s", other.Relation, one.Leader, first.Relation))
	case first.Winner != other.Winner && one.from.like(two.from):
		m.differ(first, two.Leader, fmt.Sprintf("names %s as the winner, %s %s", other.Winner, one.Leader, first.Winner))
	}
}

// lacking looks for leaders that should have the row and do not.
func (m *merging) lacking(row *Loss) {
	for i := range m.said {
		g := &m.said[i]
		has := slices.ContainsFunc(row.By, func(s Sighting) bool { return s.Leader == g.Name })
		if !has && g.Evicted == 0 && row.By[0].from.like(g) {
			m.differ(row, g.Name, "does not hold it, and has applied the same as "+row.By[0].Leader)
		}
	}
}

func (m *merging) differ(l *Loss, leader, says string) {
	m.list.Differs = append(m.list.Differs, fmt.Sprintf("%s of %s under %s: %s %s", l.Loser, explain.Word(l.Key), l.Resolver, leader, says))
}

// like reports whether two leaders have applied the same. What was read at several moments
// agrees with nobody's one moment.
func (g *Listing) like(o *Listing) bool {
	return !g.moved && !o.moved && g.Applied.Compare(o.Applied) == logical.Equal
}

// horizon is the last position that every leader was asked about, if there are rows
// behind it.
func horizon(said []Listing, limit int) (last Position, bounded bool) {
	var all []Position
	for _, g := range said {
		for _, r := range g.Rows {
			all = append(all, r.Position())
		}
		if n := len(g.Rows); g.more && n > 0 && (!bounded || g.Rows[n-1].Position().compare(last) < 0) {
			last, bounded = g.Rows[n-1].Position(), true
		}
	}
	slices.SortFunc(all, Position.compare)
	all = slices.Compact(all)
	if limit > 0 && len(all) > limit && (!bounded || all[limit-1].compare(last) < 0) {
		last, bounded = all[limit-1], true
	}
	return last, bounded
}

// Relations are the names of the ways to lose.
func Relations() []string { return []string{resolve.Inverted.String(), resolve.Concurrent.String()} }

// CheckResolver refuses a name that is no resolver's.
func CheckResolver(name string) error {
	_, err := resolve.ParseID(name)
	return err
}
