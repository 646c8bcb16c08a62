package state

import (
	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// applyLedger puts into the batch what the ledger became: stored rows that changed, at
// their indexes; new rows, at the end; and neither the oldest rows, where the budget is
// used up or they are too old, nor, if that is not enough, the new ones.
func (v *Overlay) applyLedger(b *storage.Batch, m wallclock.Moment) {
	l := &v.ledger
	if l.off || len(l.touched) == 0 && !l.overLimit(m) {
		return
	}
	before := l.stats
	budget := l.rule.Budget(&before)
	v.rewrite(b)
	fresh, incoming := v.enter(b)
	v.evictOldest(b, m, budget, incoming)
	for _, e := range fresh {
		l.count(b, m, budget, e)
	}
	if l.stats != before || len(l.touched) > 0 { // steps have counted already
		b.PutLedgerStats(&l.stats)
	}
}

// rewrite puts the rows that are stored and changed. What lost its last verdict
// is gone, even if it was lost again: then it is new.
func (v *Overlay) rewrite(b *storage.Batch) {
	l := &v.ledger
	for _, e := range l.touched {
		switch {
		case e.stored == 0:
		case e.row.Position == 0:
			b.DropRow(e.row.ID(), e.index)
			l.stats.Remove(e.stored)
			e.stored = 0
		default:
			v.attachEvidence(e)
			size := b.PutRow(&e.row)
			l.stats.Bytes += size - e.stored
			e.stored = size
		}
	}
}

// enter puts the new rows, and gives what all that can ever fit take together.
func (v *Overlay) enter(b *storage.Batch) (fresh []*ledgerRow, incoming int64) {
	l := &v.ledger
	for _, e := range l.touched {
		if len(e.row.Verdicts) == 0 || e.stored > 0 {
			continue
		}
		v.attachEvidence(e)
		l.stats.Entered++
		e.row.Position = l.stats.Entered
		l.bloom.add(e.row.Loser)
		e.entered = b.PutRow(&e.row)
		fresh = append(fresh, e)
		if l.rule.Bytes == 0 || incoming+e.entered <= l.rule.Bytes {
			incoming += e.entered
		}
	}
	return fresh, incoming
}

// count counts a new row, or evicts it where nothing older gave way to it.
func (l *ledger) count(b *storage.Batch, m wallclock.Moment, budget int64, e *ledgerRow) {
	if l.stats.Bytes+e.entered > budget {
		b.DropRow(e.row.ID(), e.row.Position)
		l.stats.Evict(&e.row, e.entered)
		return
	}
	b.PutPosition(e.row.ID(), e.row.Position)
	l.stats.Insert(e.entered)
	if left, ages := l.rule.Remaining(&e.row, m.Wall); ages {
		l.dueAt = min(l.dueAt, m.Wall.Earliest.Add(left))
	}
}

// evictOldest drops rows from the oldest on: those that are too old or beyond the
// bound, a page of them, and as many more as it takes to make way for what comes
// in. Nobody waits for a backlog: a batch pays for what it brings.
func (v *Overlay) evictOldest(b *storage.Batch, m wallclock.Moment, budget, incoming int64) {
	l := &v.ledger
	if !l.rule.Over(&l.stats, incoming) && l.dueAt > m.Wall.Earliest {
		return
	}
	l.nextEvict = m.Mono.Add(evictInterval)
	l.dueAt = never
	regular, atMost := l.rule.Batch+len(l.touched), l.rule.Batch+evictPerRow*len(l.touched)
	v.fail(v.store.Oldest(l.oldest, func(row *losses.Row, size int64) bool {
		e := l.rows[row.ID()]
		switch {
		case e == nil || !e.touched:
		case e.stored == 0: // it left with this batch
			return true
		default:
			row, size = &e.row, e.stored
		}
		left, ages := l.rule.Remaining(row, m.Wall)
		due := l.rule.Over(&l.stats, incoming) || ages && left < 0
		if atMost == 0 || !due || regular <= 0 && l.stats.Bytes+incoming <= budget {
			if ages {
				l.dueAt = m.Wall.Earliest.Add(left)
			}
			return false
		}
		regular, atMost = regular-1, atMost-1
		l.evict(b, row, size)
		if e != nil {
			e.row.Verdicts, e.stored = nil, 0
		}
		return true
	}))
}

func (l *ledger) evict(b *storage.Batch, row *losses.Row, size int64) {
	b.DropRow(row.ID(), row.Position)
	l.stats.Remove(size)
	l.stats.Evict(row, size)
	l.oldest = row.Position + 1
}

// attachEvidence gives the row the evidence it should have: the serving resolver's
// losers keep what was known of them.
func (v *Overlay) attachEvidence(e *ledgerRow) {
	verdict, lost := e.row.Verdict(v.ledger.policy.Panel(e.row.Key).Serving)
	switch {
	case !lost:
		e.row.Evidence = nil
		return
	case e.row.Evidence != nil:
		return
	}
	op, ok := v.Op(e.row.Loser)
	if !ok {
		return
	}
	e.evidence = losses.Evidence{
		Kind: op.Kind, Value: v.ledger.rule.Retained(op.Value), Size: len(op.Value), Delta: op.Delta.Clamp(), Expires: op.Expires,
		Stamps: stampsOf(op),
		Client: op.Client, Request: op.Request,
	}
	e.row.Evidence = &e.evidence
	if stamps, known := v.stamps(e.row.Key, verdict.Winner); known {
		e.winner, e.evidence.Winner = stamps, &e.winner
	}
}

// stamps is what the clocks of a survivor, or of what was one, said; false: nobody
// knows any more.
func (v *Overlay) stamps(key string, d logical.Dot) (losses.Stamps, bool) {
	if i, ok := v.objects[key]; ok {
		if j, ok := v.dirty[i].Find(d); ok {
			ver := &v.dirty[i].Versions[j]
			return losses.Stamps{Wall: ver.Wall, HLC: ver.HLC, Lamport: ver.Lamport}, true
		}
	}
	if d.IsZero() {
		return losses.Stamps{}, false
	}
	if op, ok := v.Op(d); ok {
		return stampsOf(op), true
	}
	return losses.Stamps{}, false
}

// stampsOf is what resolvers judge the op by.
func stampsOf(op *resolve.Op) losses.Stamps {
	wall, hlc, lamport := op.Stamps()
	return losses.Stamps{Wall: wall, HLC: hlc, Lamport: lamport}
}
