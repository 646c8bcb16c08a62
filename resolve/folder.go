package resolve

import (
	"slices"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
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
	plain   int           // index of the plain group; -1: there is none
	dots    []logical.Dot // of the other groups
	index   []int         // survivors before, then now, of the resolver that decides
	walk    walk
	changes ledgerChanges
}

// group is resolvers for whom the same versions survive.
type group struct {
	ids           Mask
	before, after []logical.Dot // survivors before the op, and now
	loses         bool          // they can lose what was not seen
	plain         bool          // the op replaced exactly what its author saw; the other fields are unset
}

// Fold is [Panel.Fold].
func (w *Folder) Fold(p Panel, o *Object, op *Op, h History, dst []Verdict) []Verdict {
	return w.fold(p, o, op, h, dst, false)
}

// Accept is [Panel.Fold] at the leader that accepts the op: it also marks in op.Inverted
// the resolvers under which a version that the author had been shown survives it. It
// must run before anybody else sees the op.
func (w *Folder) Accept(p Panel, o *Object, op *Op, h History, dst []Verdict) []Verdict {
	return w.fold(p, o, op, h, dst, true)
}

// Keep is [Panel.Fold] without verdicts, for those who judge a history as a whole
// afterwards: the same versions are kept. It never asks what was lost, and asks for
// other ops only where several dots are one request.
func (w *Folder) Keep(p Panel, o *Object, op *Op, h History) {
	if !w.begin(o, op, h) {
		return
	}
	f := &w.folding
	for id := range p.Mask().Each {
		f.Bit = id.Mask()
		p.rule(id).Fold(f)
	}
	w.end(p)
}

func (w *Folder) fold(p Panel, o *Object, op *Op, h History, dst []Verdict, accepting bool) []Verdict {
	if dst, plain := w.foldPlain(p, o, op, h, dst); plain {
		return dst
	}
	if !w.begin(o, op, h) {
		return dst
	}
	w.plain = -1
	for id := range p.Mask().Each {
		w.decide(id, p.rule(id))
	}
	for i := range w.groups {
		dst = w.verdicts(&w.groups[i], accepting, dst)
	}
	w.end(p)
	clear(w.groups)
	w.groups = w.groups[:0]
	w.dots = dotset.Reuse(w.dots)
	w.index = dotset.Reuse(w.index)
	return dst
}

// begin enters the op's version into the object; false: there is nothing to decide,
// because the op only states a deadline, or was folded before.
func (w *Folder) begin(o *Object, op *Op, h History) bool {
	if op.Kind == Touch {
		o.touch(op)
		return false
	}
	i, found := o.Find(op.Dot)
	if found {
		return false
	}
	o.noteDuplicates(op, h)
	o.insert(i, op)
	w.folding = Folding{Object: o, New: i, Op: op, History: h}
	return true
}

// end drops what nobody keeps, and lets go of the object and the op.
func (w *Folder) end(p Panel) {
	if p.keepsTombstones() {
		w.folding.updateTombstones()
	}
	w.folding.Object.Sweep()
	w.folding = Folding{}
}

// decide folds under one resolver and puts it into the group that it belongs to.
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
// after are indexes of the object's versions.
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

// join adds c's resolver to the group that agrees with it, if there is one.
func (w *Folder) join(c group) {
	for i := range w.groups {
		g := &w.groups[i]
		if !g.plain && g.loses == c.loses && slices.Equal(g.after, c.after) && slices.Equal(g.before, c.before) {
			g.ids |= c.ids
			w.dots = w.dots[:len(w.dots)-len(c.before)-len(c.after)]
			return
		}
	}
	w.groups = append(w.groups, c)
}

// verdicts compares what survived before and after. What is gone was seen where the
// op replaced exactly that, and under resolvers that lose nothing.
func (w *Folder) verdicts(g *group, accepting bool, dst []Verdict) []Verdict {
	switch f := &w.folding; {
	case g.plain:
		return f.supersede(g.ids, f.Op.Parents, nil, dst)
	case !g.loses:
		return f.supersede(g.ids, g.before, g.after, dst)
	}
	j := judge{Folding: &w.folding, group: g, walk: &w.walk, changes: &w.changes, accepting: accepting, verdicts: dst}
	j.run()
	w.walk.release()
	w.changes.release()
	return j.verdicts
}

// supersede says that the op superseded every version of before that is not in after.
func (f *Folding) supersede(ids Mask, before, after []logical.Dot, dst []Verdict) []Verdict {
	stays := dotset.Of(after)
	for _, d := range before {
		if !stays.Has(d) {
			dst = append(dst, Verdict{Resolvers: ids, Loser: d, Winner: f.Op.Dot})
		}
	}
	return dst
}
