package node

import (
	"cmp"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// past is the ops behind what the key holds under any resolver: its versions and
// whatever their authors had been shown, directly or through others, as far as
// the log still has them, and the changes of deadlines that hold or were gone on
// with. Newest first by Lamport stamp, which is larger than that of every parent; so
// the first count of them are found without the rest.
func (l *Leader) past(key string, count int) ([]*resolve.Op, error) {
	o, err := l.store.Object(key)
	if err != nil {
		return nil, err
	}
	w := walk{leader: l, seen: map[logical.Dot]bool{}}
	for i := range o.Versions {
		if err := w.version(&o.Versions[i]); err != nil {
			return nil, err
		}
	}
	if e, ok := o.Deadline(); ok {
		if err := w.reach(e.Stamp.By); err != nil {
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

// version reaches what wrote the version, and what changed its deadline since.
func (w *walk) version(v *resolve.Version) error {
	if v.Touched != nil {
		if err := w.reach(v.Touched.By); err != nil {
			return err
		}
	}
	return w.reach(v.Dot)
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
	return w.reach(op.Stated.By)
}

func (w *walk) reach(d logical.Dot) error {
	if w.seen[d] {
		return nil
	}
	w.seen[d] = true
	op, found, err := w.brief(d)
	if err != nil || !found {
		return err
	}
	i, _ := slices.BinarySearchFunc(w.edge, op, func(a, b *resolve.Op) int {
		return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
	})
	w.edge = slices.Insert(w.edge, i, op)
	return nil
}

// briefBytes is how much of a value is held while the past is walked over.
const briefBytes = 256

// brief is the op with the beginning of its value.
func (w *walk) brief(d logical.Dot) (*resolve.Op, bool, error) {
	op, _, found, err := w.leader.store.BriefOp(d, briefBytes)
	return op, found, err
}

// withValue is the op that past gave the beginning of, with all of its value. Whoever
// tells a long past holds one value at a time.
func (l *Leader) withValue(op *resolve.Op) (*resolve.Op, error) {
	if len(op.Value) < briefBytes {
		return op, nil
	}
	full, found, err := l.store.Op(op.Dot)
	if err == nil && !found {
		err = fmt.Errorf("op %s left the log meanwhile; ask again", op.Dot)
	}
	return full, err
}
