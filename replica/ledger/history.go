package ledger

import (
	"kvd/logical"
	"kvd/resolve"
)

// HistoryBytes is how much of a value [History] gives: whoever tells a long history
// holds one whole value at a time.
const HistoryBytes = 256

// History is the ops behind what the key holds under any resolver: its versions and
// whatever their authors had been shown, directly or through others, as far as
// the log still has them, and the changes of deadlines that hold or that later writes
// kept. Newest first, at most count; of each value the first [HistoryBytes].
func History(s Store, key string, count int) ([]*resolve.Op, error) {
	o, err := s.Object(key)
	if err != nil {
		return nil, err
	}
	d := descend(func(dot logical.Dot) (*resolve.Op, bool) {
		op, _, found, failed := s.BriefOp(dot, HistoryBytes)
		if failed != nil && err == nil {
			err = failed
		}
		return op, found && failed == nil
	})
	for i := range o.Versions {
		if v := &o.Versions[i]; v.Touched != nil {
			d.reach(v.Touched.By)
		}
		d.reach(o.Versions[i].Dot)
	}
	if e, ok := o.Deadline(); ok {
		d.reach(e.Stamp.By)
	}
	var found []*resolve.Op
	for err == nil && len(found) < count {
		op := d.next()
		if op == nil {
			break
		}
		found = append(found, op)
		d.reach(op.Parents...)
		d.reach(op.Stated.By)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}
