package oracle

import (
	"fmt"
	"maps"
	"slices"

	"kvd/logical"
)

// LedgerRow is one row of a leader's ledger for the resolver that serves the
// key.
type LedgerRow struct {
	Key   string
	Dot   logical.Dot
	Class string // inverted, concurrent
}

// Agree compares the ledgers of leaders that have settled with the judgement. It
// returns the differences as sentences, none if they agree. Every acknowledged update
// that lost as inverted or concurrent must be in every ledger, and every row must be of
// an update that is lost in just that way. An update that was not acknowledged may be
// there if it is lost. No server can know what is missing (durability) or undone
// (resurrected).
func (v *Judgement) Agree(ledger map[string][]LedgerRow) []string {
	var diffs []string
	for _, leader := range slices.Sorted(maps.Keys(ledger)) {
		c := comparison{v.j, leader, map[int32][]string{}}
		rows := slices.Clone(ledger[leader])
		slices.SortStableFunc(rows, func(a, b LedgerRow) int { return a.Dot.Compare(b.Dot) })
		for _, row := range rows {
			diffs = append(diffs, c.row(row)...)
		}
		diffs = append(diffs, c.missing()...)
	}
	return diffs
}

// comparison is one leader's ledger against the judgement.
type comparison struct {
	j      *judge
	leader string
	rows   map[int32][]string // by update: the classes its rows give
}

func (c *comparison) row(row LedgerRow) []string {
	g := c.j.g
	u, ok := g.h.ByDot[row.Dot]
	if !ok || g.h.Updates[u].Key != row.Key {
		return []string{fmt.Sprintf("%s: the ledger holds %s of %s as %s; no write of that key was accepted under that dot", c.leader, row.Dot, row.Key, row.Class)}
	}
	if c.vague(g.h.Updates[u].KeyIndex) {
		return nil
	}
	c.rows[u] = append(c.rows[u], row.Class)
	if want := c.j.ledgered(u, row.Dot); want != row.Class && !(c.j.guessed(u) && c.j.fates[u].beaten()) {
		return []string{fmt.Sprintf("%s: the ledger holds %s (%s) as %s; the oracle finds it %s", c.leader, g.label(u), row.Dot, row.Class, want)}
	}
	return nil
}

// vague reports whether the oracle cannot tell who lost on a key that requests
// were retried on.
func (c *comparison) vague(k int32) bool { return c.j.halfLost[k] }

// ledgered is the class a row for the update's dot must have, in the oracle's
// words. Of one request's dots each has the class of its own acceptance.
func (j *judge) ledgered(u int32, dot logical.Dot) string {
	f := j.fates[u]
	if f.accounted {
		return "accounted"
	}
	if !f.beaten() {
		return string(f.class)
	}
	for i := range j.g.h.Updates[u].Acceptances {
		if a := &j.g.h.Updates[u].Acceptances[i]; a.Dot == dot && j.beatenOnAcceptance(u, a, j.surelyShown) {
			return string(Inverted)
		}
	}
	return string(Concurrent)
}

// missing lists the losses that the ledger lacks.
func (c *comparison) missing() []string {
	var diffs []string
	for u, q := range c.j.g.h.Updates {
		f := c.j.fates[u]
		if c.vague(q.KeyIndex) || !f.beaten() || q.AckedAt.Never() || c.j.gone(int32(u)) {
			continue
		}
		if rows := c.rows[int32(u)]; slices.Contains(rows, string(f.class)) || c.j.guessed(int32(u)) && len(rows) > 0 {
			continue
		}
		held := "does not hold it"
		if len(c.rows[int32(u)]) > 0 {
			held = "holds it only as " + c.rows[int32(u)][0]
		}
		diffs = append(diffs, fmt.Sprintf("%s: the oracle finds %s (%s) %s; the ledger %s", c.leader, q.Name(), q.Dots()[0], f.class, held))
	}
	return diffs
}
