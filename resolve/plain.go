package resolve

import "kvd/logical"

// Most ops go over the one version that a key has, which their author had been shown. Then
// the op supersedes it under every resolver of the panel, and nothing is lost. Such an op
// is folded in place: it costs no memory and asks no resolver. What it hides, or leaves
// unseen, is not in the object and makes no difference. Everything else takes the general
// road of [Folder], which gives the same object and the same verdicts.

// keepNothing is the resolvers that keep no version for a deletion.
const keepNothing = 1<<Siblings | 1<<Counter

// foldPlain folds an op that is plain, and reports whether it was.
func (w *Folder) foldPlain(p Panel, o *Object, op *Op, h History, dst []Verdict) ([]Verdict, bool) {
	if p.Rules != nil || len(o.Versions) != 1 || o.Duplicates || op.Kind == Touch {
		return dst, false
	}
	v := &o.Versions[0]
	if len(op.Parents) != 1 || op.Parents[0] != v.Dot || op.HasRequest() && len(h.Duplicates(op.Dot)) > 0 {
		return dst, false
	}
	fresh := versionOf(op)
	if !p.replaces(o.Key, v, &fresh) || p.Mask().Has(Counter) && !op.countsOver(o.Key, v, &fresh) {
		return dst, false
	}
	was, loser := v.Mask, v.Dot
	fresh.Mask = p.keepsOf(op)
	fresh.trim()
	*v = fresh
	return p.supersedes(op, was, loser, dst), true
}

// replaces reports whether a version that was written over v displaces it under every
// resolver that can lose a write. All of them must keep v, and nobody else.
func (p Panel) replaces(key string, v, fresh *Version) bool {
	ids := p.Mask()
	keeps := ids &^ keepNothing
	if v.Mask&keeps != keeps || v.Mask&^(ids|p.marks()) != 0 {
		return false
	}
	return (!ids.Has(LWW) || byWall(key, fresh, v)) &&
		(!ids.Has(Lamport) || byLamport(key, fresh, v)) &&
		(!ids.Has(HLC) || byHLC(key, fresh, v)) &&
		(v.Mask&watermark == 0 || higher(fresh, v))
}

// marks is what the panel puts on versions beside the bits of its resolvers, derived
// totals left out.
func (p Panel) marks() (marks Mask) {
	if p.Mask().Has(Interval) {
		marks |= watermark
	}
	if p.keepsTombstones() {
		marks |= tombstone
	}
	return marks
}

// keepsOf is the mask of the op's version once it has displaced all others.
func (p Panel) keepsOf(op *Op) Mask {
	ids := p.Mask()
	keeps := ids | p.marks()
	if op.Kind != Delete {
		return keeps &^ tombstone
	}
	return keeps &^ keepNothing
}

// countsOver fills in the counter's part of the version, and reports whether the op's
// origin alone has a share in what v carries: then the new total replaces it, or a
// deletion takes all of it away.
func (op *Op) countsOver(key string, v, fresh *Version) bool {
	if !op.Panel.Has(Counter) {
		return false
	}
	var last *Version
	if v.Mask.Has(Counter) {
		last = v
	}
	switch {
	case op.Kind == Delete && last == nil:
		return true
	case op.Kind == Delete:
		return len(op.Seen) == 1 && v.Dot.Seq > v.Count.Base.Seq
	case last != nil && v.Dot.Origin != op.Dot.Origin:
		return false
	}
	fresh.Count = op.count(key, last)
	return true
}

// supersedes says that the op superseded the version that those in was showed: in one
// verdict for the resolvers that keep the op's version and in another for those that do
// not, in the order of the table.
func (p Panel) supersedes(op *Op, was Mask, loser logical.Dot, dst []Verdict) []Verdict {
	was &= p.Mask()
	replaced, removed := was, Mask(0)
	if op.Kind == Delete {
		replaced, removed = was&^keepNothing, was&keepNothing
	}
	if removed&-removed < replaced&-replaced {
		replaced, removed = removed, replaced
	}
	for _, ids := range [2]Mask{replaced, removed} {
		if ids != 0 {
			dst = append(dst, Verdict{Resolvers: ids, Loser: loser, Winner: op.Dot})
		}
	}
	return dst
}
