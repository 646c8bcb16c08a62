package script

import (
	"slices"
	"strings"
)

func (p *parser) operation(r *reader, c Client, t Trigger) Action {
	verb := r.next()
	row, _ := p.row(verb.raw)
	if row.operate == nil {
		r.failName(verb, p.verbsAt(Operation))
		return nil
	}
	op := ClientOp{Client: c.Name, Kind: OpKind(row.Name)}
	row.operate(p, r, &op)
	as := p.tail(r, &op)
	if op.Retry != "" && op.Timeout == 0 && c.Timeout == 0 {
		r.fail(verb, "a timeout with retry", "nothing is retried by a client that waits for ever")
	}
	if op.Label != "" {
		p.define(r, op, t, as)
	}
	return op
}

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
	if op.Kind == OpIncr {
		options = slices.Insert(options, 0, bare("by", func(word) { op.Amount = r.amount(r.next()) }))
	}
	r.options(reading{}, options...)
	return as
}

func (p *parser) keyed(r *reader, op *ClientOp) { op.Key = r.key() }

func (p *parser) set(r *reader, op *ClientOp) {
	op.Key = r.key()
	op.Value = r.value()
}

func (p *parser) incr(r *reader, op *ClientOp) {
	op.Key = r.key()
	op.Amount = 1
}

func (p *parser) update(r *reader, op *ClientOp) {
	op.Key = r.key()
	w := r.peek()
	if !strings.HasPrefix(w.raw, "+") && !strings.HasPrefix(w.raw, "-") {
		r.fail(w, "+N or -N", "")
	}
	op.Amount = r.amount(r.next())
}

func (p *parser) appendElement(r *reader, op *ClientOp) {
	op.Key = r.key()
	w := r.peek()
	op.Value = r.content("an element", 1, maxValueBytes)
	if strings.Contains(op.Value, ",") {
		r.fail(w, "an element without commas", "commas separate the elements of a set")
	}
}

func (p *parser) goTo(r *reader, op *ClientOp) { op.Leader = p.leader(r) }
