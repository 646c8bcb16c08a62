package rejoin

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// ErrUndecided is answered where two versions have one dot and different content, and no
// log has the op any more.
var ErrUndecided = errors.New("one write has two contents, and it is in no log any more")

// Log answers the op with a dot, if a log still has it. Nobody changes it.
type Log func(logical.Dot) (*resolve.Op, bool)

// Join is what both should hold who hold a and b, which are of one key and stay as they
// are. The result shares values with them and with the log's ops.
func Join(panel resolve.Panel, a, b *resolve.Object, log Log) (*resolve.Object, error) {
	j := joining{panel: panel, key: a.Key}
	if err := j.unite(a, b, log); err != nil {
		return nil, err
	}
	o := resolve.NewObject(a.Key, 0)
	var fold resolve.Folder
	for i := range j.all {
		fold.Keep(panel, o, j.all[i].asOp(a.Key), nothing{})
	}
	j.judge(o)
	o.Versions = o.Versions[:0]
	for i := range j.all {
		o.Versions = append(o.Versions, j.all[i].Version)
	}
	slices.SortFunc(o.Versions, func(v, w resolve.Version) int { return v.Dot.Compare(w.Dot) })
	o.Duplicates = a.Duplicates || b.Duplicates
	o.Sweep()
	return o, nil
}

// joining is the versions of both sides.
type joining struct {
	panel resolve.Panel
	key   string
	all   []candidate   // in an order that respects causality
	past  []*resolve.Op // those of the candidates, and what they name, and so on
}

// candidate is one version, with the mask of all who keep it on either side.
type candidate struct {
	resolve.Version
	op *resolve.Op // nil: no log has it
}

// unite gathers the versions.
func (j *joining) unite(a, b *resolve.Object, log Log) error {
	for i := range a.Versions {
		j.all = append(j.all, candidate{Version: a.Versions[i]})
	}
	for i := range b.Versions {
		at := slices.IndexFunc(j.all, func(c candidate) bool { return c.Dot == b.Versions[i].Dot })
		if at < 0 {
			j.all = append(j.all, candidate{Version: b.Versions[i]})
		} else if _, known := log(b.Versions[i].Dot); !j.all[at].merge(j.key, &b.Versions[i]) && !known {
			return ErrUndecided
		}
	}
	j.all = slices.DeleteFunc(j.all, func(c candidate) bool {
		op, known := log(c.Dot)
		return known && op.Key != j.key
	})
	for i := range j.all {
		if op, known := log(j.all[i].Dot); known {
			j.all[i].believe(op)
			j.past = append(j.past, op)
		}
	}
	j.goBack(log)
	slices.SortFunc(j.all, func(v, w candidate) int {
		return cmp.Or(cmp.Compare(v.Lamport, w.Lamport), v.Dot.Compare(w.Dot))
	})
	return nil
}

// maxPast is how many ops are read at most to find out what superseded what.
const maxPast = 4096

// goBack reads what the ops name that are known, as far as a log reaches.
func (j *joining) goBack(log Log) { j.past = reached(j.past, j.key, log, maxPast) }

// Evidence is the ops of o's versions and those that they name, and so on, as far as the log
// has them: whoever joins o with what it holds needs no others. There are at most as many
// as are asked for.
func Evidence(o *resolve.Object, log Log, most int) []*resolve.Op {
	var own []*resolve.Op
	for i := range o.Versions {
		if op, known := log(o.Versions[i].Dot); known && len(own) < most {
			own = append(own, op)
		}
	}
	return reached(own, o.Key, log, most)
}

// reached appends to ops of a key what they name.
func reached(ops []*resolve.Op, key string, log Log, most int) []*resolve.Op {
	seen := map[logical.Dot]bool{}
	for _, op := range ops {
		seen[op.Dot] = true
	}
	for i := 0; i < len(ops); i++ {
		for _, dots := range [2][]logical.Dot{ops[i].Parents, ops[i].Hidden} {
			for _, d := range dots {
				if seen[d] || len(ops) >= most {
					continue
				}
				seen[d] = true
				if op, known := log(d); known && op.Key == key {
					ops = append(ops, op)
				}
			}
		}
	}
	return ops
}

// merge takes in the other side's version under the same dot; false: they contradict each
// other in what its op said.
func (c *candidate) merge(key string, w *resolve.Version) bool {
	if c.Value == nil { // only a counter kept it there
		c.Value = w.Value
	}
	c.Mask |= w.Mask
	if later(w.Touched, c.Touched) {
		c.Expires, c.Touched = w.Expires, w.Touched
	}
	if c.Touched == nil && c.Expires == 0 {
		c.Expires = w.Expires
	}
	if newer(&w.Count, &c.Count) {
		c.Count = w.Count
	}
	return c.Kind == w.Kind && (w.Value == nil || bytes.Equal(c.Value, w.Value)) && c.Wall == w.Wall && c.HLC == w.HLC && c.Lamport == w.Lamport
}

// later reports whether statement s of a deadline holds against t.
func later(s, t *resolve.Stamp) bool {
	if s == nil || t == nil {
		return s != nil
	}
	return cmp.Or(s.HLC.Compare(t.HLC), s.By.Compare(t.By)) > 0
}

// newer reports whether more was taken away of share c than of d, which is as of one dot.
// Shares of which as much was taken may still be written in two ways, as far as the logs
// reached back that they were folded from: any order will do, if it is everybody's.
func newer(c, d *resolve.Count) bool {
	n := cmp.Or(cmp.Compare(c.Base.Seq, d.Base.Seq), cmp.Compare(len(c.Voids), len(d.Voids)), cmp.Compare(len(c.Deadlines), len(d.Deadlines)))
	switch {
	case n != 0:
		return n > 0
	case c.Total != d.Total:
		return d.Total.Less(c.Total)
	}
	return d.Base.Total.Less(c.Base.Total)
}

// believe lets the op say what its version is.
func (c *candidate) believe(op *resolve.Op) {
	c.op = op
	c.Kind, c.Value = op.Kind, op.Value
	c.Wall, c.HLC, c.Lamport = op.Stamps()
	if c.Touched == nil {
		c.Expires = op.Expires
	}
}

// asOp is the op, or as much of it as its version says: a write that has seen nothing.
func (c *candidate) asOp(key string) *resolve.Op {
	if c.op != nil {
		return c.op
	}
	return &resolve.Op{Dot: c.Dot, Key: key, Kind: c.Kind, Value: c.Value, Expires: c.Expires, Wall: c.Wall, HLC: c.HLC, Lamport: c.Lamport}
}

// nothing is a past of which nothing is known.
type nothing struct{}

func (nothing) Op(logical.Dot) (*resolve.Op, bool)    { return nil, false }
func (nothing) Duplicates(logical.Dot) []logical.Dot  { return nil }
func (nothing) Lost(string, logical.Dot) resolve.Mask { return 0 }

// liveSets is the resolvers that keep whatever nobody has superseded.
var liveSets = resolve.Siblings.Mask() | resolve.Causal.Mask() | resolve.Interval.Mask()

// judge takes from each mask whoever does not keep the version in o, which all were folded
// into, and whoever is known not to keep it. Shares of counters are judged apart: what they
// came to does not follow from the ops that are left.
func (j *joining) judge(o *resolve.Object) {
	for i := range j.all {
		c := &j.all[i]
		folded := shares
		if at, ok := o.Find(c.Dot); ok {
			folded |= o.Versions[at].Mask
		}
		c.Mask &= folded
		if j.covered(c) {
			c.Mask &^= liveSets
		}
		switch {
		case c.Mask&shares == 0:
		case j.replaced(c):
			c.Mask &^= shares
		case c.Mask.Has(resolve.Counter) && j.deleted(c):
			c.take()
		}
	}
}

// shares is whoever keeps a version for the total that it carries.
const shares = resolve.Mask(1)<<resolve.Counter | resolve.Derived

// covered reports whether some op named the version, or had it in its causal past and its
// author in view.
func (j *joining) covered(c *candidate) bool {
	return slices.ContainsFunc(j.past, func(op *resolve.Op) bool {
		return op.Dot != c.Dot && (op.Covers(c.Dot) || slices.Contains(op.Parents, c.Dot) || slices.Contains(op.Hidden, c.Dot))
	})
}

// replaced reports whether a newer share of its origin stands for the share.
func (j *joining) replaced(c *candidate) bool {
	return slices.ContainsFunc(j.all, func(w candidate) bool {
		return w.Mask&shares != 0 && w.Mask&resolve.Derived == c.Mask&resolve.Derived && w.Dot.Origin == c.Dot.Origin && w.Dot.Seq > c.Dot.Seq
	})
}

func (j *joining) deleted(c *candidate) bool {
	return slices.ContainsFunc(j.past, func(op *resolve.Op) bool { return op.Kind == resolve.Delete && slices.Contains(op.Parents, c.Dot) })
}

// take takes away what the share has counted. One that was derived stays, with nothing in it.
func (c *candidate) take() {
	c.Mask &^= resolve.Counter.Mask()
	if c.Mask&resolve.Derived != 0 {
		c.Count = resolve.Count{Total: c.Count.Total, Base: resolve.Base{Seq: c.Dot.Seq, Total: c.Count.Total}}
	}
}
