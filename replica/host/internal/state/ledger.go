package state

import (
	"math"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// ledger is the lost writes as the running batch leaves them: rows that steps
// changed, laid over those that are stored.
//
// Steps insert and retract verdicts; applyLedger puts what came of it into the batch,
// and evicts the oldest rows where the bound asks for it, so that rows, index and counts
// are stored with the folds that changed them, or not at all. It waits for
// nothing, and no write fails because the ledger is full: only a store that cannot be read
// stops it, as it stops the leader.
type ledger struct {
	off    bool // nothing is kept: to measure what keeping costs
	rule   losses.Retention
	policy *resolve.Policy

	stats losses.Stats                 // with the running batch
	shown atomic.Pointer[losses.Stats] // as it is durable

	rows    map[losses.ID]*ledgerRow
	made    []*ledgerRow // within the batch
	free    []*ledgerRow // to be used again
	touched []*ledgerRow // that steps changed, by their first change
	bloom   bloom        // every row that is stored, and more

	oldest    uint64            // no row has a smaller index
	dueAt     wallclock.Instant // no row passes its age sooner
	nextEvict wallclock.Mono    // rows are evicted without need no sooner
}

// ledgerRow is one row as the running batch leaves it.
type ledgerRow struct {
	row     losses.Row // without verdicts: in nobody's ledger; without an index: to be entered
	stored  int64      // bytes of the row that is stored; zero: none is
	index   uint64     // of the row that is stored
	entered int64      // bytes of the row that this batch enters
	touched bool

	// Memory for what most rows hold; row points into it.
	verdict  [1]losses.Verdict
	evidence losses.Evidence
	winner   losses.Stamps
}

const (
	// maxRows is how many rows that are only read are held on to within a batch,
	// and for how many there is memory between batches.
	maxRows = 4096
	// never is when a ledger's oldest row is old that has none, or no bound.
	never = wallclock.Instant(math.MaxInt64)
	// evictInterval is how often rows are evicted when nothing else is stored.
	evictInterval = time.Second
	// evictPerRow is how many rows may be evicted for each that a batch enters or
	// changes, on top of Retention.Batch: a row that is new, or has grown by its
	// evidence, takes the budget of a few small ones.
	evictPerRow = 16
)

// Ledger says what the ledger of lost writes keeps.
type Ledger struct {
	Off       bool             // nothing: to measure what keeping costs
	Retention losses.Retention // zero: losses.DefaultRetention
}

func (l *ledger) open(committed *Committed, o Ledger) (err error) {
	store := committed.Store
	l.off, l.rule, l.policy = o.Off, o.Retention, committed.Policy
	if l.rule == (losses.Retention{}) {
		l.rule = losses.DefaultRetention()
	}
	if err := l.rule.Validate(); err != nil {
		return err
	}
	l.stats, err = store.LedgerStats()
	l.rows, l.dueAt = map[losses.ID]*ledgerRow{}, never
	if l.stats.Rows > 0 && l.rule.Age > 0 {
		l.dueAt = math.MinInt64 // nobody has looked yet
	}
	l.publish(&l.stats)
	if l.bloom.open = l.stats.Rows > maxBloomRows; err == nil && l.stats.Rows > 0 && !l.bloom.open {
		l.bloom.expect(l.stats.Rows)
		err = store.RowIDs(func(id losses.ID) bool { l.bloom.add(id.Loser); return true })
	}
	return err
}

// publish shows what is durable now.
func (l *ledger) publish(stats *losses.Stats) {
	if was := l.shown.Load(); was == nil || *was != *stats {
		now := *stats
		l.shown.Store(&now)
	}
}

// clear forgets the rows of the batch: the store has them all. A map that was
// large once would cost every later batch as much to clear.
func (l *ledger) clear() {
	if len(l.rows) > maxRows {
		l.rows, l.touched = map[losses.ID]*ledgerRow{}, nil
	}
	clear(l.rows)
	clear(l.touched)
	l.touched = l.touched[:0]
	for _, e := range l.made[:min(len(l.made), maxRows-len(l.free))] {
		*e = ledgerRow{}
		l.free = append(l.free, e)
	}
	if clear(l.made); cap(l.made) > 4*maxRows {
		l.made = nil
	}
	l.made = l.made[:0]
}

// make is a row without verdicts. What is not kept is nobody's soon: a batch may
// ask about any number.
func (l *ledger) make(id losses.ID, keep bool) *ledgerRow {
	var e *ledgerRow
	if n := len(l.free); n > 0 && keep {
		e, l.free = l.free[n-1], l.free[:n-1]
	} else {
		e = new(ledgerRow)
	}
	e.row.Key, e.row.Loser = id.Key, id.Loser
	if keep {
		l.made = append(l.made, e)
		l.rows[id] = e
	}
	return e
}

// row is the row of one lost write, one without verdicts if there is none. What
// is to be kept is about to change.
func (v *Overlay) row(id losses.ID, keep bool) *ledgerRow {
	l := &v.ledger
	if e := l.rows[id]; e != nil {
		return e
	}
	e := l.make(id, keep || len(l.rows) < maxRows)
	if l.stats.Rows > 0 && l.bloom.mayHold(id.Loser) && !v.isStaged(id.Loser) { // what is accepted or applied only now was never lost before
		row, size, err := v.store.SizedRow(id.Key, id.Loser)
		if !v.fail(err) && row != nil {
			e.row, e.stored, e.index = *row, size, row.Position
		}
	}
	return e
}

// Lost is the resolvers under which the ledger holds d as lost.
func (v *Overlay) Lost(key string, d logical.Dot) resolve.Mask {
	v.catchUp()
	if v.ledger.off || v.ledger.stats.Rows == 0 && len(v.ledger.touched) == 0 {
		return 0
	}
	return v.row(losses.ID{Key: key, Loser: d}, false).row.Resolvers()
}

// insertLoss enters a verdict.
func (v *Overlay) insertLoss(p *replica.PutLoss) {
	l := &v.ledger
	if l.off {
		return
	}
	e := v.row(losses.ID{Key: p.Key, Loser: p.Loser}, true)
	index := e.row.Position
	for id := range (p.Resolvers & e.row.Resolvers()).Each {
		l.retract(e, id) // an older verdict; the row keeps its index
	}
	if len(e.row.Verdicts) == 0 {
		e.row.Verdicts = append(e.verdict[:0], losses.Verdict{Resolvers: p.Resolvers, Relation: p.Relation, Winner: p.Winner, At: p.At})
	} else {
		for loss := range p.Losses {
			e.row.Insert(loss)
		}
	}
	e.row.Position = index
	for id := range p.Resolvers.Each {
		l.stats.Inserted.Add(id, p.Relation)
	}
	l.touch(e)
}

// retractLoss takes verdicts back, those that there are.
func (v *Overlay) retractLoss(ids resolve.Mask, row losses.ID) {
	l := &v.ledger
	if l.off {
		return
	}
	e := v.row(row, true)
	for id := range ids.Each {
		if l.retract(e, id) {
			l.touch(e)
		}
	}
}

func (l *ledger) retract(e *ledgerRow, r resolve.ID) bool {
	old, held := e.row.Verdict(r)
	if !held {
		return false
	}
	l.stats.Retracted.Add(r, old.Relation)
	e.row.Retract(r)
	if len(e.row.Verdicts) == 0 {
		e.row.Position = 0
	}
	if e.row.Evidence != nil && l.policy.Panel(e.row.Key).Serving == r {
		e.row.Evidence = nil
	}
	return true
}

func (l *ledger) touch(e *ledgerRow) {
	if !e.touched {
		e.touched = true
		l.touched = append(l.touched, e)
	}
}

// LedgerStats is what the ledger durably holds and what became of the rest. Any
// goroutine may ask.
func (v *Overlay) LedgerStats() losses.Stats { return *v.ledger.shown.Load() }

// LedgerDue reports whether rows are to be evicted though nothing else is stored.
func (v *Overlay) LedgerDue(m wallclock.Moment) bool { return v.ledger.overLimit(m) }

// LedgerWake is when rows are to be evicted next, if nothing happens until then.
func (v *Overlay) LedgerWake(m wallclock.Moment) (wallclock.Mono, bool) { return v.ledger.wake(m) }

// overLimit reports whether rows are to be evicted though nothing else is stored.
func (l *ledger) overLimit(m wallclock.Moment) bool {
	return !l.off && m.Mono >= l.nextEvict && (l.dueAt <= m.Wall.Earliest || l.rule.Over(&l.stats, 0))
}

// wake is when rows are to be evicted next, if nothing happens until then.
func (l *ledger) wake(m wallclock.Moment) (wallclock.Mono, bool) {
	switch {
	case l.off || l.dueAt == never && !l.rule.Over(&l.stats, 0):
		return 0, false
	case l.dueAt <= m.Wall.Earliest || l.rule.Over(&l.stats, 0):
		return max(l.nextEvict, m.Mono), true
	}
	return max(l.nextEvict, m.Mono.Add(min(l.dueAt.Sub(m.Wall.Earliest), math.MaxInt64/4))), true
}
