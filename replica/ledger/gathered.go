package ledger

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// LossGroup counts the writes of a key that one resolver lost alike.
type LossGroup struct {
	Resolver resolve.ID
	Relation resolve.Relation
	Leader   string      // that accepted them; "": leaders beyond those that are told apart
	Winner   logical.Dot // the present best survivor; zero: none is left
	Writes   int
	// From and To are the first and the last moment at which the leader that answers found
	// one lost, by its own clock.
	From, To wallclock.Instant
}

// Bounds on groups. Origins are many where leaders were replaced often.
const (
	maxOrigins    = 1024 // that are told apart while rows are read, with relation and resolver
	maxLossGroups = 32   // that are told
)

type lossGroupKey struct {
	resolver resolve.ID
	relation resolve.Relation
	origin   logical.Origin // zero: any beyond the bound
	leader   string         // once origins have names
}

// gathered is the ledger of one key while it is read: it may be any length.
type gathered struct {
	losers int // writes
	last   logical.Dot
	of     map[resolve.ID]*recent
	groups map[lossGroupKey]*LossGroup
}

// recent is what one resolver lost last, by this leader's clock, and how much it
// lost in all.
type recent struct {
	all  int
	rows []resolve.Loss
}

// retainedRecent is how many of one resolver's rows are compared by the age of their
// writes, which must be looked up.
const retainedRecent = 1024

func (g *gathered) take(l resolve.Loss) {
	if g.losers == 0 || l.Loser != g.last { // rows come by dot
		g.losers, g.last = g.losers+1, l.Loser
	}
	g.count(l)
	r := g.of[l.Resolver]
	if r == nil {
		r = &recent{}
		g.of[l.Resolver] = r
	}
	r.all++
	if r.rows = append(r.rows, l); len(r.rows) == 2*retainedRecent {
		r.thin()
	}
}

// thin lets go of what was lost long ago.
func (r *recent) thin() {
	slices.SortStableFunc(r.rows, func(a, b resolve.Loss) int { return cmp.Compare(b.At.Latest, a.At.Latest) })
	r.rows = r.rows[:min(len(r.rows), retainedRecent)]
}

// count puts a row to those that are like it.
func (g *gathered) count(l resolve.Loss) {
	k := lossGroupKey{resolver: l.Resolver, relation: l.Relation, origin: l.Loser.Origin}
	if g.groups[k] == nil && len(g.groups) >= maxOrigins {
		k.origin = 0
	}
	at := l.At.Midpoint()
	addGroup(g.groups, k, &LossGroup{Resolver: l.Resolver, Relation: l.Relation, Writes: 1, From: at, To: at})
}

func addGroup(to map[lossGroupKey]*LossGroup, k lossGroupKey, more *LossGroup) {
	had := to[k]
	if had == nil {
		to[k] = more
		return
	}
	had.Writes += more.Writes
	had.From, had.To = min(had.From, more.From), max(had.To, more.To)
}

// lossGroups gives origins the names of their leaders, puts together what has one name
// then, and of too many groups the smallest.
func (q *question) lossGroups(by map[lossGroupKey]*LossGroup) []LossGroup {
	named := map[lossGroupKey]*LossGroup{}
	for k, c := range by {
		if k.origin != 0 {
			c.Leader, k.leader, k.origin = q.leader(k.origin), q.leader(k.origin), 0
		}
		addGroup(named, k, c)
	}
	all := q.ranked(named)
	if rest := 2 * len(resolve.IDs()); len(all) > maxLossGroups {
		small := map[lossGroupKey]*LossGroup{} // by resolver and relation: rest of them at most
		slices.SortStableFunc(all, func(a, b LossGroup) int { return cmp.Compare(b.Writes, a.Writes) })
		for i := range all {
			c, k := &all[i], lossGroupKey{resolver: all[i].Resolver, relation: all[i].Relation, leader: all[i].Leader}
			if i >= maxLossGroups-rest {
				c.Leader, k.leader = "", ""
			}
			addGroup(small, k, c)
		}
		all = q.ranked(small)
	}
	for i := range all {
		all[i].Winner = q.best(all[i].Resolver)
	}
	return all
}

// ranked is the groups in the order of Explanation.Groups.
func (q *question) ranked(by map[lossGroupKey]*LossGroup) (all []LossGroup) {
	for _, c := range by {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b LossGroup) int {
		return cmp.Or(cmp.Compare(q.rank(a.Resolver), q.rank(b.Resolver)), cmp.Compare(b.Writes, a.Writes),
			cmp.Compare(a.Relation, b.Relation), cmp.Compare(a.Leader, b.Leader))
	})
	return all
}
