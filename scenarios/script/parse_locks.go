package script

import (
	"slices"

	"kvd/scenarios/script/internal/spell"
)

// tail reads the options every operation shares, and by where it belongs. It
// returns the label's word.
func (p *parser) tail(r *reader, op *ClientOp) word {
	var as word
	if op.Kind == OpGoto {
		return as
	}
	options := []option{
		bare("as", func(word) { as = r.name("a label"); op.Label = as.raw }),
		keyed("timeout", func(w word) { op.Timeout = r.duration(w, positiveSpan()) }),
		keyed("retry", func(w word) { op.Retry = w.raw; p.checkLeader(r, w, RetrySame, RetryNext) }),
	}
	switch op.Kind {
	case OpLock:
		options = append(p.lockOptions(r, op), options...)
	case OpIncr:
		options = slices.Insert(options, 0, bare("by", func(word) { op.Amount = r.amount(r.next()) }))
	case OpUpdate, OpAppend:
		options = slices.Insert(options, 0, keyed("pause", func(w word) { op.Pause = r.duration(w, positiveSpan()); p.asynchrony(r, w, "pause") }))
	}
	if !op.Locks() {
		options = append(options, bare("under", func(w word) { p.under(r, op, w) }), bare("fenced", func(w word) { p.under(r, op, w); op.Fenced = true }))
	}
	r.options(reading{}, options...)
	return as
}

// under reads the lock that an operation is done under.
func (p *parser) under(r *reader, op *ClientOp, how word) {
	w := r.next()
	bare, known := p.locks[w.raw]
	switch {
	case op.Lock != "":
		r.fail(how, "under or fenced, once", "")
	case !known:
		r.fail(w, "a lock that an operation on an earlier line takes", spell.DidYouMean(w.raw, sortedKeys(p.locks)))
	case bare && how.raw == "fenced":
		r.fail(how, "under", "a redlock has no token that a leader could hold against another")
	case how.raw == "fenced" && op.Kind == OpGet:
		r.fail(how, "under", "reads are not fenced")
	}
	op.Lock = w.raw
}

func (p *parser) lock(r *reader, op *ClientOp) { op.Lock = r.name("a lock's name").raw }

const redlock = "redlock"

// lockOptions is what a line that takes a lock may say.
func (p *parser) lockOptions(r *reader, op *ClientOp) []option {
	return []option{
		keyed("ttl", func(w word) { op.TTL = r.duration(w, positiveSpan()) }),
		keyed("wait", func(w word) { op.Wait = Some(r.duration(w, anySpan())) }),
		bare(redlock, func(word) { op.Redlock = true }),
	}
}

// whole refuses a line that takes a lock for ever, or as another kind than a line before.
func (p *parser) whole(r *reader, op *ClientOp, verb word) {
	before, known := p.locks[op.Lock]
	switch {
	case op.Kind != OpLock:
	case op.TTL == 0:
		r.fail(verb, "ttl=D behind it", "a lock without one outlives whoever held it")
	case known && before != op.Redlock:
		r.fail(verb, "the same kind of lock as on the line that took "+op.Lock+" first", "say redlock on each of them or on none")
	default:
		p.locks[op.Lock] = op.Redlock
	}
}

func (p *parser) unlock(r *reader, op *ClientOp) {
	w := r.next()
	if _, known := p.locks[w.raw]; !known {
		r.fail(w, "a lock that an operation on an earlier line takes", spell.DidYouMean(w.raw, sortedKeys(p.locks)))
	}
	op.Lock = w.raw
}
