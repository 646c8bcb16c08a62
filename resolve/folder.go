package resolve

import (
	"slices"

	"kvd/logical"
)

// Folder folds op after op in the same memory. The zero Folder is ready; it folds
// one op at a time.
//
// Most resolvers of a panel mostly agree. So each first decides what it keeps, and
// then those for whom the same versions survived before and survive now are judged
// together: who was lost, and to whom, follows from that alone, and from what each
// of them had lost before.
type Folder struct {
	folding Folding
	camps   []camp
	dots    []logical.Dot // of the camps
	index   []int
	walk    walk
	settled settled
}

// camp is resolvers for whom the same versions survive.
type camp struct {
	ids           Mask
	before, after []logical.Dot // survivors before the op, and now
	loses         bool          // they can lose what was not seen
	plain         bool          // the op replaced exactly what its author saw: the common case
}

// Fold is [Panel.Fold].
func (w *Folder) Fold(p Panel, o *Object, op *Op, h History, dst []Verdict) []Verdict {
	return w.fold(p, o, op, h, dst, false)
}

// Accept is [Panel.Accept].
func (w *Folder) Accept(p Panel, o *Object, op *Op, h History, dst []Verdict) []Verdict {
	return w.fold(p, o, op, h, dst, true)
}

func (w *Folder) fold(p Panel, o *Object, op *Op, h History, dst []Verdict, born bool) []Verdict {
	i, found := o.Find(op.Dot)
	if found {
		return dst
	}
	o.notice(op, h)
	o.add(i, op)
	w.folding = Folding{Object: o, New: i, Op: op, History: h}
	for id := range p.Mask().Each {
		w.decide(id, p.rule(id))
	}
	for i := range w.camps {
		dst = w.judge(&w.camps[i], born, dst)
	}
	o.sweep()
	w.rest()
	return dst
}

// rest lets go of what was folded, and of memory that one fold in many needs.
func (w *Folder) rest() {
	clear(w.camps)
	w.folding, w.camps = Folding{}, w.camps[:0]
	w.dots = spare(w.dots)
	w.index = spare(w.index)
}

// spare is s emptied, to be used again unless it has grown large.
func spare[T any](s []T) []T {
	const large = 4096
	if cap(s) > large {
		return nil
	}
	return s[:0]
}

// decide folds under one resolver and puts it into the camp that it belongs to.
func (w *Folder) decide(id ID, rule Resolver) {
	f, start := &w.folding, len(w.dots)
	f.Bit = id.Mask()
	w.surviving(rule)
	middle := len(w.dots)
	rule.Fold(f)
	w.surviving(rule)
	c := camp{ids: f.Bit, before: w.dots[start:middle], after: w.dots[middle:], loses: rule.Loses()}
	c.plain = len(c.after) == 1 && c.after[0] == f.Op.Dot && !f.Object.Twins && slices.Equal(c.before, f.Op.Parents)
	for i := range w.camps {
		if o := &w.camps[i]; o.joinedBy(&c) {
			o.ids |= c.ids
			w.dots = w.dots[:start]
			return
		}
	}
	w.camps = append(w.camps, c)
}

// joinedBy reports whether c's resolvers are to be judged as those of o.
func (o *camp) joinedBy(c *camp) bool {
	if o.plain || c.plain {
		return o.plain && c.plain
	}
	return o.loses == c.loses && slices.Equal(o.after, c.after) && slices.Equal(o.before, c.before)
}

// surviving appends the dots of the versions that survive under the rule.
func (w *Folder) surviving(rule Resolver) {
	w.index = rule.Survivors(w.folding.Object, w.folding.Bit, w.index[:0])
	for _, i := range w.index {
		w.dots = append(w.dots, w.folding.Object.Versions[i].Dot)
	}
}

// judge compares what survived before and after. What is gone was seen where the
// op replaced just that, and under resolvers that lose nothing.
func (w *Folder) judge(c *camp, born bool, dst []Verdict) []Verdict {
	if c.plain || !c.loses {
		return w.folding.succeed(c.ids, c.before, c.after, dst)
	}
	a := account{Folding: &w.folding, camp: c, walk: &w.walk, settled: &w.settled, born: born, verdicts: dst}
	a.settle()
	w.walk.rest()
	w.settled.rest()
	return a.verdicts
}

// succeed says that the op superseded every version of before that is not left.
func (f *Folding) succeed(ids Mask, before, left []logical.Dot, dst []Verdict) []Verdict {
	for _, d := range before {
		if !slices.Contains(left, d) {
			dst = append(dst, Verdict{Resolvers: ids, Loser: d, Winner: f.Op.Dot})
		}
	}
	return dst
}
