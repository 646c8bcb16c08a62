package resolve

// Keeper folds for those who judge a history as a whole afterwards: the same
// versions are kept as by [Panel.Fold], and nobody is told what became of the
// others. The zero Keeper is ready; it has room for one fold at a time.
type Keeper struct{ folding Folding }

// Keep is [Panel.Fold] without verdicts. What was lost is never asked for, and
// other ops are only where several dots are one request.
func (k *Keeper) Keep(p Panel, o *Object, op *Op, h History) {
	if op.Kind == Touch {
		o.touch(op)
		return
	}
	i, found := o.Find(op.Dot)
	if found {
		return
	}
	o.noteDuplicates(op, h)
	o.insert(i, op)
	f := &k.folding
	f.Object, f.New, f.Op, f.History = o, i, op, h
	for id := range resolvers {
		if p.Mask().Has(id) {
			f.Bit = id.Mask()
			p.rule(id).Fold(f)
		}
	}
	if p.keepsTombstones() {
		f.updateTombstones()
	}
	o.sweep()
	f.Object, f.Op, f.History = nil, nil, nil
}
