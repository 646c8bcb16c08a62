package host

import (
	"math"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// ledger is the lost writes as the running batch leaves them: rows that steps
// changed, laid over those that are stored.
//
// Steps book and retract verdicts; settle puts what came of it into the batch,
// and evicts the oldest rows where there is no room, so that rows, index and counts
// are stored with the folds that changed them, or not at all. It waits for
// nothing, and no write fails for want of room: only a store that cannot be read
// stops it, as it stops the leader.
type ledger struct {
	off    bool // nothing is kept: to measure what keeping costs
	rule   storage.Retention
	policy *resolve.Policy

	h     storage.LedgerStats                 // with the running batch
	shown atomic.Pointer[storage.LedgerStats] // as it is durable

	lines   map[storage.RowID]*line
	made    []*line // within the batch
	spare   []*line // to be made again
	touched []*line // that steps changed, by their first change
	sieve   sieve   // every row that is stored, and more

	head  uint64            // no row has a smaller place
	ripe  wallclock.Instant // no row passes its age sooner
	again wallclock.Mono    // rows are evicted without need no sooner
}

// line is one row as the running batch leaves it.
type line struct {
	row     storage.LossRow // without verdicts: in nobody's ledger; without a place: to be entered
	stored  int64           // bytes of the row that is stored; zero: none is
	place   uint64          // of the row that is stored
	entered int64           // bytes of the row that this batch enters
	touched bool

	// Room for what most rows hold; row points into it.
	verdict  [1]storage.LossVerdict
	evidence storage.Evidence
	winner   storage.Stamps
}

const (
	// keptLines is how many rows that are only read are held on to within a batch,
	// and for how many there is memory between batches.
	keptLines = 4096
	// never is when a ledger's oldest row is old that has none, or no bound.
	never = wallclock.Instant(math.MaxInt64)
	// evictedRest is how often rows are evicted when nothing else is stored.
	evictedRest = time.Second
	// evictedEach is how many rows may be evicted for each that a batch enters or
	// changes, beside Retention.Batch: a row that is new, or has grown by its
	// evidence, finds room in the place of a few small ones.
	evictedEach = 16
)

func (l *ledger) open(store *storage.Store, policy *resolve.Policy, o *Options) (err error) {
	l.off, l.rule, l.policy = o.NoLedger, o.Ledger, policy
	if l.rule == (storage.Retention{}) {
		l.rule = storage.DefaultRetention()
	}
	if err := l.rule.Validate(); err != nil {
		return err
	}
	l.h, err = store.LedgerStats()
	l.lines, l.ripe = map[storage.RowID]*line{}, never
	if l.h.Rows > 0 && l.rule.Age > 0 {
		l.ripe = math.MinInt64 // nobody has looked yet
	}
	l.publish()
	if l.sieve.open = l.h.Rows > mostSieved; err == nil && l.h.Rows > 0 && !l.sieve.open {
		l.sieve.expect(l.h.Rows)
		err = store.RowIDs(func(id storage.RowID) bool { l.sieve.add(id.Loser); return true })
	}
	return err
}

// publish shows what is durable now.
func (l *ledger) publish() {
	if was := l.shown.Load(); was == nil || *was != l.h {
		now := l.h
		l.shown.Store(&now)
	}
}

// clear forgets the rows of the batch: the store has them all. A map that was
// large once would cost every later batch as much to clear.
func (l *ledger) clear() {
	if len(l.lines) > keptLines {
		l.lines, l.touched = map[storage.RowID]*line{}, nil
	}
	clear(l.lines)
	clear(l.touched)
	l.touched = l.touched[:0]
	for _, e := range l.made[:min(len(l.made), keptLines-len(l.spare))] {
		*e = line{}
		l.spare = append(l.spare, e)
	}
	if clear(l.made); cap(l.made) > 4*keptLines {
		l.made = nil
	}
	l.made = l.made[:0]
}

// make is a line without verdicts. What is not kept is nobody's soon: a batch may
// ask about any number.
func (l *ledger) make(id storage.RowID, keep bool) *line {
	var e *line
	if n := len(l.spare); n > 0 && keep {
		e, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		e = new(line)
	}
	e.row.Key, e.row.Loser = id.Key, id.Loser
	if keep {
		l.made = append(l.made, e)
		l.lines[id] = e
	}
	return e
}

// line is the row of one lost write, one without verdicts if there is none. What
// is to be kept is about to change.
func (v *view) line(id storage.RowID, keep bool) *line {
	l := &v.ledger
	if e := l.lines[id]; e != nil {
		return e
	}
	e := l.make(id, keep || len(l.lines) < keptLines)
	if l.h.Rows > 0 && l.sieve.mayHold(id.Loser) && !v.isStaged(id.Loser) { // what is accepted or applied only now was never lost before
		row, size, err := v.store.SizedRow(id.Key, id.Loser)
		if !v.fail(err) && row != nil {
			e.row, e.stored, e.place = *row, size, row.Place
		}
	}
	return e
}

// Lost is the resolvers under which the ledger holds d as lost.
func (v *view) Lost(key string, d logical.Dot) resolve.Mask {
	v.catchUp()
	if v.ledger.off || v.ledger.h.Rows == 0 && len(v.ledger.touched) == 0 {
		return 0
	}
	return v.line(storage.RowID{Key: key, Loser: d}, false).row.Resolvers()
}

// book enters a verdict.
func (v *view) book(p *replica.PutLoss) {
	l := &v.ledger
	if l.off {
		return
	}
	e := v.line(storage.RowID{Key: p.Key, Loser: p.Loser}, true)
	place := e.row.Place
	for id := range (p.Resolvers & e.row.Resolvers()).Each {
		l.retract(e, id) // an older verdict; the row keeps its place
	}
	if len(e.row.Verdicts) == 0 {
		e.row.Verdicts = append(e.verdict[:0], storage.LossVerdict{Resolvers: p.Resolvers, Relation: p.Relation, Winner: p.Winner, At: p.At})
	} else {
		for loss := range p.Losses {
			e.row.Book(loss)
		}
	}
	e.row.Place = place
	for id := range p.Resolvers.Each {
		l.h.Inserted.Add(id, p.Relation)
	}
	l.touch(e)
}

// retract takes verdicts back, those that there are.
func (v *view) retract(ids resolve.Mask, row storage.RowID) {
	l := &v.ledger
	if l.off {
		return
	}
	e := v.line(row, true)
	for id := range ids.Each {
		if l.retract(e, id) {
			l.touch(e)
		}
	}
}

func (l *ledger) retract(e *line, r resolve.ID) bool {
	old, held := e.row.Verdict(r)
	if !held {
		return false
	}
	l.h.Retracted.Add(r, old.Relation)
	e.row.Retract(r)
	if len(e.row.Verdicts) == 0 {
		e.row.Place = 0
	}
	if e.row.Evidence != nil && l.policy.Panel(e.row.Key).Serving == r {
		e.row.Evidence = nil
	}
	return true
}

func (l *ledger) touch(e *line) {
	if !e.touched {
		e.touched = true
		l.touched = append(l.touched, e)
	}
}

// pressing reports whether rows are to be evicted though nothing else is stored.
func (l *ledger) pressing(m wallclock.Moment) bool {
	return !l.off && m.Mono >= l.again && (l.ripe <= m.Wall.Earliest || l.rule.Over(&l.h, 0))
}

// wake is when rows are to be evicted next, if nothing happens until then.
func (l *ledger) wake(m wallclock.Moment) (wallclock.Mono, bool) {
	switch {
	case l.off || l.ripe == never && !l.rule.Over(&l.h, 0):
		return 0, false
	case l.ripe <= m.Wall.Earliest || l.rule.Over(&l.h, 0):
		return max(l.again, m.Mono), true
	}
	return max(l.again, m.Mono.Add(min(l.ripe.Sub(m.Wall.Earliest), math.MaxInt64/4))), true
}
