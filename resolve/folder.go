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
	groups  []group
	plain   int           // place of the plain camp; -1: there is none
	dots    []logical.Dot // of the other camps
	index   []int         // survivors before, then now, of the resolver that decides
	walk    walk
	changes ledgerChanges
}

// camp is resolvers for whom the same versions survive.
type group struct {
	ids           Mask
	before, after []logical.Dot // survivors before the op, and now
	loses         bool          // they can lose what was not seen
	plain         bool          // the op replaced exactly what its author saw; nothing else is said then
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
	if op.Kind == Touch {
		o.touch(op)
		return dst
	}
	i, found := o.Find(op.Dot)
	if found {
		return dst
	}
	o.noteDuplicates(op, h)
	o.insert(i, op)
	w.folding, w.plain = Folding{Object: o, New: i, Op: op, History: h}, -1
	for id := range p.Mask().Each {
		w.decide(id, p.rule(id))
	}
	if p.keepsTombstones() {
		w.folding.updateTombstones()
	}
	for i := range w.groups {
		dst = w.verdicts(&w.groups[i], born, dst)
	}
	o.sweep()
	w.release()
	return dst
}

// rest lets go of what was folded, and of memory that one fold in many needs.
func (w *Folder) release() {
	clear(w.groups)
	w.folding, w.groups = Folding{}, w.groups[:0]
	w.dots = reuse(w.dots)
	w.index = reuse(w.index)
}

// spare is s emptied, to be used again unless it has grown large.
func reuse[T any](s []T) []T {
	const large = 1 << 15
	if cap(s) > large {
		return nil
	}
	return s[:0]
}

// decide folds under one resolver and puts it into the camp that it belongs to.
func (w *Folder) decide(id ID, rule Resolver) {
	f := &w.folding
	f.Bit = id.Mask()
	all := rule.Survivors(f.Object, f.Bit, w.index[:0])
	n := len(all)
	rule.Fold(f)
	all = rule.Survivors(f.Object, f.Bit, all)
	w.index = all
	if f.plain(all[:n], all[n:]) {
		w.joinPlain(f.Bit)
		return
	}
	start := len(w.dots)
	for _, i := range all {
		w.dots = append(w.dots, f.Object.Versions[i].Dot)
	}
	dots := w.dots[start:]
	w.join(group{ids: f.Bit, before: dots[:n], after: dots[n:], loses: rule.Loses()})
}

// plain is the common case: the op replaces exactly what its author saw. Before and
// after are places in the object.
func (f *Folding) plain(before, after []int) bool {
	if len(after) != 1 || after[0] != f.New || f.Object.Duplicates || len(before) != len(f.Op.Parents) {
		return false
	}
	for i, at := range before {
		if f.Object.Versions[at].Dot != f.Op.Parents[i] {
			return false
		}
	}
	return true
}

func (w *Folder) joinPlain(ids Mask) {
	if w.plain < 0 {
		w.plain, w.groups = len(w.groups), append(w.groups, group{plain: true})
	}
	w.groups[w.plain].ids |= ids
}

// join puts c's resolver to those that agree with it, if any do.
func (w *Folder) join(c group) {
	for i := range w.groups {
		o := &w.groups[i]
		if !o.plain && o.loses == c.loses && slices.Equal(o.after, c.after) && slices.Equal(o.before, c.before) {
			o.ids |= c.ids
			w.dots = w.dots[:len(w.dots)-len(c.before)-len(c.after)]
			return
		}
	}
	w.groups = append(w.groups, c)
}

// judge compares what survived before and after. What is gone was seen where the
// op replaced just that, and under resolvers that lose nothing.
func (w *Folder) verdicts(c *group, born bool, dst []Verdict) []Verdict {
	switch f := &w.folding; {
	case c.plain:
		return f.succeed(c.ids, f.Op.Parents, nil, dst)
	case !c.loses:
		return f.succeed(c.ids, c.before, c.after, dst)
	}
	a := judge{Folding: &w.folding, group: c, walk: &w.walk, changes: &w.changes, accepting: born, verdicts: dst}
	a.run()
	w.walk.release()
	w.changes.release()
	return a.verdicts
}

// succeed says that the op superseded every version of before that is not left.
func (f *Folding) succeed(ids Mask, before, left []logical.Dot, dst []Verdict) []Verdict {
	stays := setOf(left)
	for _, d := range before {
		if !stays.has(d) {
			dst = append(dst, Verdict{Resolvers: ids, Loser: d, Winner: f.Op.Dot})
		}
	}
	return dst
}
