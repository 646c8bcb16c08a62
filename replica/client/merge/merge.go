package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/resolve"
	"kvd/wallclock"
)

// Answer is what one leader said about losses.
type Answer struct {
	Leader  string
	Failed  string // why it did not answer; empty: it did
	Applied logical.Frontier
	Rows    []ledger.LossRecord
	// Evicted says that its ledger has given up rows: what it lacks may have been
	// there.
	Evicted uint64
}

// Combined is one answer for the cluster.
type Combined struct {
	Rows    []Found  // by resolver, key and dot
	Missing []string // leaders that did not answer, and why, by name
	// Differences names rows that leaders do not agree about although they have
	// applied the same. After quiet there are none.
	Differences []Difference

	applied map[string]logical.Frontier // by leader
}

// Found is a lost write and who says so. The rest of the row is the first
// leader's, by name; the others say the same, or are named among Differences.
type Found struct {
	ledger.LossRecord
	By []Sighting // by leader
}

// Sighting is when one leader decided that a write is lost, by its own clock.
type Sighting struct {
	Leader string
	At     wallclock.Interval
}

// Difference is a row that two leaders disagree about.
type Difference struct {
	Resolver resolve.ID
	Key      string
	Loser    logical.Dot
	Leader   string // who differs from the first that has the row
	Says     string
}

// Text names the difference.
func (d *Difference) Text() string {
	return fmt.Sprintf("%s of %s under %s: %s %s", d.Loser, explain.Word(d.Key), d.Resolver, d.Leader, d.Says)
}

// Losses puts the answers of several leaders together by dot. Leaders that have
// not applied the same do not disagree, not all has arrived everywhere; nor does
// one disagree that lacks a row and has evicted some.
func Losses(answers []Answer) *Combined {
	m := &Combined{applied: map[string]logical.Frontier{}}
	all := slices.Clone(answers)
	slices.SortStableFunc(all, func(a, b Answer) int { return strings.Compare(a.Leader, b.Leader) })
	var said []*Answer
	for i := range all {
		if all[i].Failed != "" {
			m.Missing = append(m.Missing, all[i].Leader+": "+all[i].Failed)
			continue
		}
		said = append(said, &all[i])
		m.applied[all[i].Leader] = all[i].Applied
	}
	for _, a := range said {
		for _, row := range a.Rows {
			m.add(row, Sighting{a.Leader, row.At})
		}
	}
	slices.SortStableFunc(m.Rows, func(a, b Found) int { return byPosition(&a.Loss, &b.Loss) })
	m.unite()
	for i := range m.Rows {
		m.lacking(&m.Rows[i], said)
	}
	return m
}

func byPosition(a, b *resolve.Loss) int {
	return cmp.Or(cmp.Compare(a.Resolver, b.Resolver), strings.Compare(a.Key, b.Key), a.Loser.Compare(b.Loser))
}

func (m *Combined) add(row ledger.LossRecord, s Sighting) {
	m.Rows = append(m.Rows, Found{row, []Sighting{s}})
}

// unite makes one of the rows that are about the same write; where they differ
// the first stands.
func (m *Combined) unite() {
	var out []Found
	for _, row := range m.Rows {
		if n := len(out); n > 0 && byPosition(&out[n-1].Loss, &row.Loss) == 0 {
			m.compare(&out[n-1], &row)
			out[n-1].By = append(out[n-1].By, row.By...)
			continue
		}
		out = append(out, row)
	}
	m.Rows = out
}

// compare names where a leader tells a row otherwise.
func (m *Combined) compare(first, other *Found) {
	switch {
	case first.Relation != other.Relation:
		m.differ(&first.Loss, other.By[0].Leader, fmt.Sprintf("says %s, %s %s", other.Relation, first.By[0].Leader, first.Relation))
	case first.Winner != other.Winner && m.sameState(first.By[0].Leader, other.By[0].Leader):
		m.differ(&first.Loss, other.By[0].Leader, fmt.Sprintf("names %s as the winner, %s %s", other.Winner, first.By[0].Leader, first.Winner))
	}
}

func (m *Combined) differ(l *resolve.Loss, leader, says string) {
	m.Differences = append(m.Differences, Difference{l.Resolver, l.Key, l.Loser, leader, says})
}

// lacking looks for leaders that should have the row and do not.
func (m *Combined) lacking(row *Found, said []*Answer) {
	for _, a := range said {
		has := slices.ContainsFunc(row.By, func(s Sighting) bool { return s.Leader == a.Leader })
		if !has && a.Evicted == 0 && m.sameState(row.By[0].Leader, a.Leader) {
			m.differ(&row.Loss, a.Leader, "does not hold it, and has applied the same as "+row.By[0].Leader)
		}
	}
}

func (m *Combined) sameState(a, b string) bool {
	return m.applied[a].Compare(m.applied[b]) == logical.Equal
}

// Audits holds the audits of several leaders against each other, and names
// in sentences where counts differ although the leaders have applied the same.
func Audits(audits []ledger.Audit) []string {
	var out []string
	for i := range audits {
		for j := range i {
			a, b := &audits[j], &audits[i]
			if a.Applied.Compare(b.Applied) != logical.Equal {
				out = append(out, fmt.Sprintf("%s and %s have not applied the same; ask again", a.Leader, b.Leader))
				continue
			}
			out = append(out, against(a, b)...)
		}
	}
	return out
}

// against names where two audits of the same state differ.
func against(r, other *ledger.Audit) []string {
	var out []string
	shared := 0
	for i := range r.Balances {
		for j := range other.Balances {
			a, b := r.Balances[i], other.Balances[j]
			if a.Resolver != b.Resolver {
				continue
			}
			if shared++; !agree(a, b) {
				out = append(out, fmt.Sprintf("%s: %s counts accepted %d, live %d, superseded %d, lost %d; %s accepted %d, live %d, superseded %d, lost %d",
					a.Resolver, r.Leader, a.Accepted, a.Live, a.Superseded, a.Lost()+a.Evicted, other.Leader, b.Accepted, b.Live, b.Superseded, b.Lost()+b.Evicted))
			}
		}
	}
	if out == nil && (shared < len(r.Balances) || shared < len(other.Balances)) {
		out = append(out, fmt.Sprintf("%s and %s do not count for the same resolvers", r.Leader, other.Leader))
	}
	return out
}

// agree reports whether two leaders that have applied the same count alike. Each
// ledger evicts on its own: what it evicted is lost all the same, and in which way is
// no longer known.
func agree(b, o ledger.Balance) bool {
	if b.Evicted+o.Evicted > 0 {
		b.Inverted, b.Concurrent, b.Evicted = 0, b.Lost()+b.Evicted, 0
		o.Inverted, o.Concurrent, o.Evicted = 0, o.Lost()+o.Evicted, 0
	}
	b.Stale, o.Stale = 0, 0
	return b == o
}
