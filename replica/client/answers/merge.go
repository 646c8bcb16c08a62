package answers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
)

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
