package leader

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// past is the ops behind what the key holds under any resolver: its versions and
// whatever their authors had been shown, directly or through others, as far as
// the log still has them. Newest first by Lamport stamp, which is larger than
// that of every parent; so the first count of them are found without the rest.
func (l *Leader) past(key string, count int) ([]*resolve.Op, error) {
	o, err := l.store.Object(key)
	if err != nil {
		return nil, err
	}
	w := walk{leader: l, seen: map[logical.Dot]bool{}}
	for i := range o.Versions {
		if err := w.reach(o.Versions[i].Dot); err != nil {
			return nil, err
		}
	}
	for len(w.edge) > 0 && len(w.found) < count {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	return w.found, nil
}

// walk is a search through parents, always from the newest op that is left.
type walk struct {
	leader *Leader
	seen   map[logical.Dot]bool
	edge   []*resolve.Op // reached and not yet found, oldest first
	found  []*resolve.Op
}

func (w *walk) step() error {
	last := len(w.edge) - 1
	op := w.edge[last]
	w.edge = w.edge[:last]
	w.found = append(w.found, op)
	for _, d := range op.Parents {
		if err := w.reach(d); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) reach(d logical.Dot) error {
	if w.seen[d] {
		return nil
	}
	w.seen[d] = true
	op, found, err := w.leader.store.Op(d)
	if err != nil || !found {
		return err
	}
	i, _ := slices.BinarySearchFunc(w.edge, op, func(a, b *resolve.Op) int {
		return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
	})
	w.edge = slices.Insert(w.edge, i, op)
	return nil
}
