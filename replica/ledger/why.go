package ledger

import (
	"cmp"
	"maps"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// Explanation is why a key holds what it holds.
type Explanation struct {
	Key     string
	Serving resolve.ID
	Values  [][]byte          // what a read shows now, whole
	Sum     number.Int128     // of a counter: what its additions come to
	Shown   []Write           // what the serving resolver shows, best first, deletions among them
	Ends    wallclock.Instant // when what is shown first ends, or has; zero: never
	Agreed  wallclock.Instant // the time that deadlines go by
	// TouchedBy is the op that stated Ends, when it is not the one that wrote the value.
	TouchedBy logical.Dot
	Removed   *Write       // the newest deletion, when nothing is shown and some resolver keeps it
	Past      []Overwrite  // their recent ancestors, newest first
	Lost      []LossRecord // by resolver, the serving one first; newest first; of each write all rows
	// LostWrites is how many writes some resolver lost, whether told of or not.
	LostWrites int
	// Groups counts every row of the key, also those that are not in Lost: by resolver, the
	// serving one first, then the largest first; at most 32.
	Groups  []LossGroup
	Shadows []resolve.ID // the rest of the panel
	// PastLeft and LostLeft are how many more there are.
	PastLeft, LostLeft int
	// Evicted is how many rows of the serving resolver's the ledger has given up: of
	// this key or of others, nobody can say.
	Evicted int64
	// Collected is how many ops the log does not keep any more, of all keys: history begins
	// behind them.
	Collected uint64
	Now       wallclock.Instant // by the leader's clock

	Unsure resolve.Mask // shadows without a row may have lost a write all the same
}

// Overwrite is a write whose overwriter had seen it.
type Overwrite struct {
	Write
	By logical.Dot // the nearest
}

// LossRecord is a lost write, and to what.
type LossRecord struct {
	resolve.Loss            // Winner is the present best survivor
	Was          Write      // the loser
	Won          Write      // the winner
	Why          Comparison // what decided between them
	// Who had seen what: the author of the loser the winner, directly or through
	// others, under either dot of its request; and the leader that accepted the
	// one, the other.
	SawWinner       bool
	LeaderHadWinner bool
	LeaderHadLoser  bool
	// NoRow says why the ledger does not list the loss, which ancestry tells; empty:
	// it does.
	NoRow string
}

// Why tells the history of the key's present value, as far as objects, ledger
// and log still hold it.
func (r *Reader) Why(key string) (*Explanation, error) {
	q := r.about(key)
	s := &Explanation{Key: key, Serving: q.panel.Serving, Now: r.cfg.Now.Midpoint(), Evicted: r.cfg.Evicted[q.panel.Serving],
		Collected: r.cfg.Removed.Beyond(logical.Frontier{})}
	for _, d := range q.survivors(s.Serving) {
		s.Shown = append(s.Shown, q.write(d))
	}
	s.Sum, _ = q.object.Sum()
	reading, _ := q.panel.ReadAt(q.object, q, r.cfg.deadlines())
	s.Values, s.Agreed = reading.Values, r.cfg.deadlines()
	s.Ends, s.TouchedBy = q.deadline()
	if len(s.Shown) == 0 {
		s.Removed = q.removed()
	}
	for _, id := range resolve.IDs() {
		if q.panel.Shadows.Has(id) {
			s.Shadows = append(s.Shadows, id)
		}
		if id.Loses() && r.cfg.Evicted[id] > 0 {
			s.Unsure |= id.Mask()
		}
	}
	q.ancestors(s)
	q.lossRecords(s)
	if q.err != nil {
		return nil, q.err
	}
	return s, nil
}

// deadline is when what the key shows first ends, and who stated that later than
// the value.
func (q *question) deadline() (wallclock.Instant, logical.Dot) {
	if q.panel.Serving == resolve.Counter {
		e, _ := q.object.Deadline()
		return e.Expires, e.Stamp.By
	}
	for _, i := range q.panel.Survivors(q.object, q.panel.Serving, nil) {
		switch v := &q.object.Versions[i]; {
		case v.Deleted():
		case v.Touched != nil:
			return v.Expires, v.Touched.By
		default:
			return v.Expires, logical.Dot{}
		}
	}
	return 0, logical.Dot{}
}

// removed is the newest deletion that the object still holds for somebody.
func (q *question) removed() *Write {
	var newest *Write
	for i := range q.object.Versions {
		if v := &q.object.Versions[i]; v.Deleted() && (newest == nil || v.Lamport > newest.Lamport) {
			w := q.write(v.Dot)
			newest = &w
		}
	}
	return newest
}

// ancestors goes down from what is shown, newest first. What is lost all the
// same, because another version of the same request was seen, is left out.
func (q *question) ancestors(e *Explanation) {
	by := map[logical.Dot]logical.Dot{} // who named each first
	d := descend(q.Op)
	reach := func(parents []logical.Dot, from logical.Dot) {
		for _, p := range parents {
			if _, named := by[p]; !named {
				by[p] = from
			}
		}
		d.reach(parents...)
	}
	for _, w := range e.Shown {
		d.seen[w.Dot] = true
	}
	for _, w := range e.Shown {
		reach(w.Parents, w.Dot)
	}
	for len(e.Past) < q.cfg.Past {
		op := d.next()
		if op == nil {
			break
		}
		e.Past = append(e.Past, Overwrite{q.write(op.Dot), by[op.Dot]})
		reach(op.Parents, op.Dot)
	}
	e.PastLeft = len(d.left)
}

// lossRecords lists the rows of the key: the serving resolver's first, then the
// shadows', each newest first.
func (q *question) lossRecords(s *Explanation) {
	g := gathered{of: map[resolve.ID]*recent{}, groups: map[lossGroupKey]*LossGroup{}}
	q.fail(q.ledger.LossesOf(q.object.Key, func(l resolve.Loss) bool {
		if q.panel.Mask().Has(l.Resolver) {
			g.take(l)
		}
		return true
	}))
	s.LostWrites, s.Groups = g.losers, q.lossGroups(g.groups)
	var chosen []logical.Dot
	for _, r := range g.of {
		r.thin()
		s.LostLeft += r.all
		for _, l := range q.newest(r.rows, q.cfg.Lost) {
			chosen = append(chosen, l.Loser)
		}
	}
	slices.SortFunc(chosen, logical.Dot.Compare)
	for _, l := range q.rowsOf(slices.Compact(chosen)) {
		s.Lost = append(s.Lost, q.lossRecord(l))
	}
	s.LostLeft -= len(s.Lost)
}

// rowsOf is every row of these writes, or it would be said of some resolver that it
// had not lost what it lost long ago: by resolver, newest first.
func (q *question) rowsOf(losers []logical.Dot) (rows []resolve.Loss) {
	by := map[resolve.ID][]resolve.Loss{}
	for _, d := range losers {
		for _, l := range q.losses(d) {
			by[l.Resolver] = append(by[l.Resolver], l)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(by), func(a, b resolve.ID) int { return cmp.Compare(q.rank(a), q.rank(b)) }) {
		rows = append(rows, q.newest(by[id], len(losers))...)
	}
	return rows
}

// newest is the rows of the newest writes, at most so many, newest first.
func (q *question) newest(rows []resolve.Loss, most int) []resolve.Loss {
	age := make(map[logical.Dot]logical.Lamport, len(rows))
	for _, l := range rows {
		age[l.Loser] = q.write(l.Loser).Lamport
	}
	slices.SortFunc(rows, func(a, b resolve.Loss) int {
		return -cmp.Or(cmp.Compare(age[a.Loser], age[b.Loser]), a.Loser.Compare(b.Loser))
	})
	return rows[:min(len(rows), most)]
}

func (q *question) rank(id resolve.ID) int {
	if id == q.panel.Serving {
		return -1
	}
	return int(id)
}

func (q *question) lossRecord(l resolve.Loss) LossRecord {
	l.Winner = q.best(l.Resolver)
	d := LossRecord{Loss: l, Was: q.write(l.Loser), Won: q.write(l.Winner)}
	d.Why = q.compare(l.Resolver, d.Was, d.Won)
	if op, ok := q.Op(l.Loser); ok {
		d.LeaderHadWinner = op.Deps.Covers(l.Winner)
		d.SawWinner = q.sees(op, d.Won)
		q.inferSkew(&d)
	}
	if op, ok := q.Op(l.Winner); ok {
		d.LeaderHadLoser = op.Deps.Covers(l.Loser)
	}
	return d
}

// HistoryBytes is how much of a value [History] gives: whoever tells a long history
// holds one whole value at a time.
const HistoryBytes = 256

// History is the ops behind what the key holds under any resolver: its versions and
// whatever their authors had been shown, directly or through others, as far as
// the log still has them, and the changes of deadlines that hold or that later writes
// kept. Newest first, at most count; of each value the first [HistoryBytes].
func History(s Store, key string, count int) ([]*resolve.Op, error) {
	o, err := s.Object(key)
	if err != nil {
		return nil, err
	}
	d := descend(func(dot logical.Dot) (*resolve.Op, bool) {
		op, _, found, failed := s.BriefOp(dot, HistoryBytes)
		if failed != nil && err == nil {
			err = failed
		}
		return op, found && failed == nil
	})
	for i := range o.Versions {
		if v := &o.Versions[i]; v.Touched != nil {
			d.reach(v.Touched.By)
		}
		d.reach(o.Versions[i].Dot)
	}
	if e, ok := o.Deadline(); ok {
		d.reach(e.Stamp.By)
	}
	var found []*resolve.Op
	for err == nil && len(found) < count {
		op := d.next()
		if op == nil {
			break
		}
		found = append(found, op)
		d.reach(op.Parents...)
		d.reach(op.Stated.By)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}
