package refold

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// change is what another policy asks of the object of one key.
type change struct {
	from    resolve.Panel
	unknown bool // nobody knows who kept what
	to      resolve.Panel
	keep    resolve.Mask  // who judged before and judges now: what they keep stays as it is
	fresh   resolve.Mask  // who judges now alone
	marks   resolve.Mask  // deletions that resolvers without any show: they are found anew
	folding resolve.Panel // who folds the log: fresh, and whoever serves
}

// families of resolvers, by what they keep.
const (
	stamps   = 1<<resolve.LWW | 1<<resolve.Lamport | 1<<resolve.HLC
	liveSets = 1<<resolve.Siblings | 1<<resolve.Causal | 1<<resolve.Interval
	shares   = 1<<resolve.Counter | resolve.Derived
)

// tombstone is the mark of a deletion that no resolver keeps.
var tombstone = func() resolve.Mask {
	o := &resolve.Object{}
	new(resolve.Folder).Keep(resolve.Panel{Serving: resolve.Siblings}, o, &resolve.Op{Kind: resolve.Delete}, nothing{})
	return o.Versions[0].Mask
}()

// marksDeletions reports whether objects that the resolver serves hold such marks, since it
// keeps no deletion itself.
func marksDeletions(id resolve.ID) bool { return id == resolve.Siblings || id == resolve.Counter }

// changeOf is what is asked of a key's object; false: nothing is.
func (r *run) changeOf(key string) (c change, changes bool) {
	if !r.concerns(key) {
		return c, false
	}
	c = change{from: r.j.Policy.Panel(key), unknown: r.j.Unknown, to: r.to.Panel(key)}
	if !c.unknown {
		c.keep = c.from.Mask() & c.to.Mask()
	}
	c.fresh = c.to.Mask() &^ c.keep
	if marksDeletions(c.to.Serving) && (c.unknown || !marksDeletions(c.from.Serving)) {
		c.marks = tombstone
	}
	c.folding = resolve.Panel{Serving: c.to.Serving, Shadows: c.fresh &^ c.to.Serving.Mask(), Rules: c.to.Rules}
	return c, true
}

// folds reports whether the log has to be folded for it.
func (c *change) folds() bool { return c.fresh|c.marks != 0 }

// made is the bits and marks that are made anew.
func (c *change) made() resolve.Mask { return keptBy(c.fresh) | c.marks }

// stays is the bits and marks that stay as they are.
func (c *change) stays() resolve.Mask {
	m := keptBy(c.keep)
	if c.marks == 0 && marksDeletions(c.to.Serving) {
		m |= tombstone
	}
	return m
}

func keptBy(ids resolve.Mask) (m resolve.Mask) {
	for id := range ids.Each {
		m |= id.Keeps()
	}
	return m
}

// prepare takes away what nobody asks for any more, and gives to those who judge now alone
// what the log does not hold: they take the versions for the writes that they were, in the
// order of their Lamport stamps.
func (c *change) prepare(o *resolve.Object, logged func(logical.Dot) bool, now wallclock.Instant) {
	given := c.outside(o, logged)
	parts := make([]*resolve.Object, 0, 2)
	for id := range c.fresh.Each {
		parts = append(parts, c.begin(o, id, given, now))
	}
	for _, i := range given {
		if v := &o.Versions[i]; !c.unknown && v.Deleted() && c.shown(o).has(i) {
			v.Mask |= tombstone
		}
	}
	stays := c.stays() | c.marks
	for i := range o.Versions {
		if o.Versions[i].Mask &= stays; logged(o.Versions[i].Dot) {
			o.Versions[i].Mask &^= c.made()
		}
	}
	for _, part := range parts {
		c.join(o, part)
	}
	o.Sweep()
}

// outside is the versions whose ops the log does not hold, by Lamport stamp.
func (c *change) outside(o *resolve.Object, logged func(logical.Dot) bool) (all indexes) {
	for i := range o.Versions {
		if !logged(o.Versions[i].Dot) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(i, j int) int {
		v, w := &o.Versions[i], &o.Versions[j]
		return cmp.Or(cmp.Compare(v.Lamport, w.Lamport), v.Dot.Compare(w.Dot))
	})
	return all
}

// indexes is some of an object's versions.
type indexes []int

func (x indexes) has(i int) bool { return slices.Contains(x, i) }

// shown is what the object showed until now.
func (c *change) shown(o *resolve.Object) indexes { return c.from.Survivors(o, c.from.Serving, nil) }

// begin is what a resolver keeps of the versions given.
func (c *change) begin(o *resolve.Object, id resolve.ID, given indexes, now wallclock.Instant) *resolve.Object {
	part, shown := &resolve.Object{Key: o.Key}, c.shown(o)
	panel := resolve.Panel{Serving: id, Rules: c.to.Rules}
	var folder resolve.Folder
	for _, i := range given {
		if v := &o.Versions[i]; c.takes(id, v, shown.has(i), now) {
			folder.Keep(panel, part, written(o.Key, v), nothing{})
		}
	}
	for i := range part.Versions {
		at, _ := o.Find(part.Versions[i].Dot)
		part.Versions[i].Kind = o.Versions[at].Kind
		part.Versions[i].Mask &= id.Keeps()
	}
	return part
}

// takes reports whether a resolver takes in a version that others kept. Those that compare
// stamps take all there are. A live set takes what another one kept, and what was shown:
// of what only stamps had kept, nobody knows any more whether what was shown had seen it.
// A counter takes the numbers that were shown.
func (c *change) takes(id resolve.ID, v *resolve.Version, shown bool, now wallclock.Instant) bool {
	who := v.Mask &^ resolve.Derived
	switch {
	case who == 0 || who == 1<<resolve.Counter && !v.Deleted(): // the register's value is not there
		return false
	case id == resolve.Counter:
		return (shown || c.unknown) && !v.Deleted() && !v.Expired(now)
	case id == resolve.Siblings && v.Deleted():
		return false
	case 1<<id&liveSets == 0 || c.unknown || shown:
		return true
	}
	return who&liveSets != 0 || v.Deleted() && who&tombstone != 0
}

// written is as much of a write as its version says. Its Panel makes a counter take it for
// a register's value.
func written(key string, v *resolve.Version) *resolve.Op {
	op := &resolve.Op{Dot: v.Dot, Key: key, Kind: v.Kind, Value: v.Value, Expires: v.Expires, Wall: v.Wall, HLC: v.HLC, Lamport: v.Lamport, Panel: 1 << resolve.Siblings}
	if v.Kind == resolve.Add {
		op.Kind = resolve.Put // its value is what all additions had come to
	}
	if v.Touched != nil {
		op.Stated = *v.Touched
	}
	return op
}

// nothing is a past of which nothing is known.
type nothing struct{}

func (nothing) Op(logical.Dot) (*resolve.Op, bool)    { return nil, false }
func (nothing) Duplicates(logical.Dot) []logical.Dot  { return nil }
func (nothing) Lost(string, logical.Dot) resolve.Mask { return 0 }

// part is what of the object is being made anew.
func (c *change) part(o *resolve.Object) *resolve.Object {
	part, made := &resolve.Object{Key: o.Key, Duplicates: o.Duplicates}, c.made()
	for i := range o.Versions {
		if v := o.Versions[i]; v.Mask&made != 0 {
			v.Mask &= made
			if v.Mask&shares == 0 {
				v.Count = resolve.Count{}
			}
			v.Count.Voids = slices.Clone(v.Count.Voids)
			part.Versions = append(part.Versions, v)
		}
	}
	return part
}

// join puts what was made anew beside what stays.
func (c *change) join(o, part *resolve.Object) {
	for i := range part.Versions {
		v := part.Versions[i]
		if v.Mask &= c.made(); v.Mask == 0 {
			continue
		}
		at, found := o.Find(v.Dot)
		if !found {
			o.Versions = slices.Insert(o.Versions, at, v)
			continue
		}
		w := &o.Versions[at]
		if w.Mask&^resolve.Derived == 0 {
			w.Expires, w.Touched = v.Expires, v.Touched
		}
		if w.Value == nil {
			w.Value = v.Value
		}
		if w.Mask |= v.Mask; v.Mask&shares != 0 {
			w.Count = v.Count
		}
	}
	o.Duplicates = o.Duplicates || part.Duplicates
}
