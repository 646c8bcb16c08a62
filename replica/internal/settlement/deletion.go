package settlement

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
)

// A dot that was given twice, by a leader and a copy of it, has two contents. Leaders
// that folded the one show other values than those that folded the other. A mend changes
// no log. It deletes everything that either content can have made a difference to, and
// then what the key shall hold is written again:
//
//   - a live set differs by the two versions, and by what either removed: the
//     deletion names all of these;
//   - whoever compares stamps differs by what is not above both contents: the
//     deletion must be stamped above both, and its leader ensures that;
//   - a counter differs by the total of the dot's origin, and by what either content
//     took away of others': the deletion takes away all of that, and what its leader
//     shows.
//
// Ops that neither leader of a mend had applied are concurrent with it at both.

// Deletion is that deletion of the object's key, where contents are those of the dot
// that are of this key. Whoever stamps it has applied all that they depend on.
func Deletion(p resolve.Panel, o *resolve.Object, contents []*resolve.Op, h resolve.History) (resolve.Op, error) {
	op, err := p.Draft(o, 0, resolve.Intent{Kind: resolve.Delete}, h)
	if err != nil {
		return resolve.Op{}, err
	}
	seen := carriers{slices.Clone(op.Parents[:len(op.Seen)]), op.Seen}
	named := slices.Clone(op.Parents)
	if p.Serving == resolve.Counter {
		for i := range o.Versions {
			if v := &o.Versions[i]; v.Mask.Has(resolve.Counter) {
				seen.add(v.Dot, v.Count.Total)
			}
		}
	}
	for _, c := range contents {
		// The log here may hold a write to another key under the dot.
		seen.drop(c.Dot)
		named = append(append(named, c.Dot), c.Parents...)
		op.Hidden = append(op.Hidden, c.Hidden...)
	}
	for _, c := range contents {
		seen.addAll(c)
	}
	if len(seen.dots) == 0 || !p.Mask().Has(resolve.Counter) {
		seen = carriers{}
	}
	op.Parents, op.Seen = seen.dots, seen.sums
	for _, d := range named {
		if !slices.Contains(op.Parents, d) {
			op.Parents = append(op.Parents, d)
		}
	}
	slices.SortFunc(op.Hidden, logical.Dot.Compare)
	op.Hidden = slices.DeleteFunc(slices.Compact(op.Hidden), func(d logical.Dot) bool { return slices.Contains(op.Parents, d) })
	return op, nil
}

// carriers is running totals and the dots that carried them.
type carriers struct {
	dots []logical.Dot
	sums []number.Int128
}

func (t *carriers) add(d logical.Dot, sum number.Int128) {
	if !slices.Contains(t.dots, d) {
		t.dots, t.sums = append(t.dots, d), append(t.sums, sum)
	}
}

func (t *carriers) drop(d logical.Dot) {
	if i := slices.Index(t.dots, d); i >= 0 {
		t.dots = slices.Delete(slices.Clone(t.dots), i, i+1)
		t.sums = slices.Delete(slices.Clone(t.sums), i, i+1)
	}
}

// addAll adds the totals that a content carries, or took away: its own, and the one
// that it replaced, which is still live where the other content was folded.
func (t *carriers) addAll(c *resolve.Op) {
	for i, total := range c.Seen {
		t.add(c.Parents[i], total)
	}
	if c.Kind != resolve.Put && c.Kind != resolve.Add {
		t.add(c.Dot, number.Int128{})
		return
	}
	t.add(c.Dot, c.Total)
	if c.Prev != 0 {
		t.add(logical.Dot{Origin: c.Dot.Origin, Seq: c.Prev}, c.Total.Minus(c.Delta))
	}
}
