package host

import (
	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// settle puts into the batch what the ledger became: stored rows that changed, in
// their places; new rows, at the end; and neither the oldest rows, where there is
// no room or they are too old, nor, if that is not enough, the new ones.
func (v *view) settle(b *storage.Batch, m wallclock.Moment) {
	l := &v.ledger
	if l.off || len(l.touched) == 0 && !l.pressing(m) {
		return
	}
	before := l.h
	room := l.rule.Room(&before)
	v.rewrite(b)
	fresh, incoming := v.enter(b)
	v.evictedOldest(b, m, room, incoming)
	for _, e := range fresh {
		l.place(b, m, room, e)
	}
	if l.h != before {
		b.PutLedgerStats(&l.h)
	}
}

// rewrite puts the rows that are stored and changed. What lost its last verdict
// is gone, even if it was lost again: then it is new.
func (v *view) rewrite(b *storage.Batch) {
	l := &v.ledger
	for _, e := range l.touched {
		switch {
		case e.stored == 0:
		case e.row.Place == 0:
			b.DropRow(e.row.ID(), e.place)
			l.h.Leave(e.stored)
			e.stored = 0
		default:
			v.witness(e)
			size := b.PutRow(&e.row)
			l.h.Bytes += size - e.stored
			e.stored = size
		}
	}
}

// enter puts the new rows, and gives what all that can ever fit take together.
func (v *view) enter(b *storage.Batch) (fresh []*line, incoming int64) {
	l := &v.ledger
	for _, e := range l.touched {
		if len(e.row.Verdicts) == 0 || e.stored > 0 {
			continue
		}
		v.witness(e)
		l.h.Entered++
		e.row.Place = l.h.Entered
		l.sieve.add(e.row.Loser)
		e.entered = b.PutRow(&e.row)
		fresh = append(fresh, e)
		if l.rule.Bytes == 0 || incoming+e.entered <= l.rule.Bytes {
			incoming += e.entered
		}
	}
	return fresh, incoming
}

// place counts a new row, or evicts it where nothing older made room.
func (l *ledger) place(b *storage.Batch, m wallclock.Moment, room int64, e *line) {
	if l.h.Bytes+e.entered > room {
		b.DropRow(e.row.ID(), e.row.Place)
		l.h.GiveUp(&e.row, e.entered)
		return
	}
	b.PutPlace(e.row.ID(), e.row.Place)
	l.h.Enter(e.entered)
	if left, ages := l.rule.Left(&e.row, m.Wall); ages {
		l.ripe = min(l.ripe, m.Wall.Earliest.Add(left))
	}
}

// evictedOldest drops rows from the oldest on: those that are too old or beyond the
// bound, a few of them, and as many more as it takes to find room for what comes
// in. Nobody waits for a backlog: a batch pays for what it brings.
func (v *view) evictedOldest(b *storage.Batch, m wallclock.Moment, room, incoming int64) {
	l := &v.ledger
	if !l.rule.Over(&l.h, incoming) && l.ripe > m.Wall.Earliest {
		return
	}
	l.again = m.Mono.Add(evictedRest)
	l.ripe = never
	few, most := l.rule.Batch+len(l.touched), l.rule.Batch+evictedEach*len(l.touched)
	v.fail(v.store.Oldest(l.head, func(row *storage.LossRow, size int64) bool {
		e := l.lines[row.ID()]
		switch {
		case e == nil || !e.touched:
		case e.stored == 0: // it left with this batch
			return true
		default:
			row, size = &e.row, e.stored
		}
		left, ages := l.rule.Left(row, m.Wall)
		due := l.rule.Over(&l.h, incoming) || ages && left < 0
		if most == 0 || !due || few <= 0 && l.h.Bytes+incoming <= room {
			if ages {
				l.ripe = m.Wall.Earliest.Add(left)
			}
			return false
		}
		few, most = few-1, most-1
		l.evicted(b, row, size)
		if e != nil {
			e.row.Verdicts, e.stored = nil, 0
		}
		return true
	}))
}

func (l *ledger) evicted(b *storage.Batch, row *storage.LossRow, size int64) {
	b.DropRow(row.ID(), row.Place)
	l.h.Leave(size)
	l.h.GiveUp(row, size)
	l.head = row.Place + 1
}

// witness gives the row the evidence it should have: the serving resolver's
// losers keep what was known of them.
func (v *view) witness(e *line) {
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
	e.evidence = storage.Evidence{
		Kind: op.Kind, Value: v.ledger.rule.Kept(op.Value), Size: len(op.Value), Delta: op.Delta.Clamp(), Expires: op.Expires,
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
func (v *view) stamps(key string, d logical.Dot) (storage.Stamps, bool) {
	if i, ok := v.objects[key]; ok {
		if j, ok := v.dirty[i].Find(d); ok {
			ver := &v.dirty[i].Versions[j]
			return storage.Stamps{Wall: ver.Wall, HLC: ver.HLC, Lamport: ver.Lamport}, true
		}
	}
	if d.IsZero() {
		return storage.Stamps{}, false
	}
	if op, ok := v.Op(d); ok {
		return stampsOf(op), true
	}
	return storage.Stamps{}, false
}

// stampsOf is what resolvers judge the op by.
func stampsOf(op *resolve.Op) storage.Stamps {
	wall, hlc, lamport := op.Stamps()
	return storage.Stamps{Wall: wall, HLC: hlc, Lamport: lamport}
}
