package resolve

import (
	"slices"

	"kvd/logical"
	"kvd/resolve/internal/dotset"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// Object is the fold of all applied ops of one key. The zero Object with a Key
// is a key never written.
type Object struct {
	Key      string
	Versions []Version // sorted by dot; each is kept by a resolver, or is a tombstone
	// Duplicates is set when some request for this key was accepted at several leaders,
	// so that one write has several dots.
	Duplicates bool
}

// Version is what is left of one op in the object.
type Version struct {
	Dot     logical.Dot
	Mask    Mask // the resolvers that keep it
	Kind    Kind
	Value   []byte // shared with the op, immutable; nil when only a counter keeps it
	Expires wallclock.Instant
	// Touched is the statement that Expires comes from; nil: the op's own. It is
	// never written to, so that copies may share it.
	Touched *Stamp

	Wall    wallclock.Interval
	HLC     logical.HLC
	Lamport logical.Lamport

	Count Count // set while a counter keeps the version
}

// Count is one origin's share of a counter: Total less Base, less Voids.
type Count struct {
	Total     number.Int128 // the origin's running total, up to the version's dot
	Base      Base          // how much of it deletes have taken away
	Voids     []VoidDelta   // deltas counted elsewhere under a smaller dot; sorted by Seq
	Deadlines []Deadline    // what is stated of the counter's end; sorted by Seq; copied to be changed
}

// Base is the running total at one seq of an origin's log.
type Base struct {
	Seq   logical.Seq
	Total number.Int128
}

// VoidDelta is an addition whose request another leader had accepted too.
type VoidDelta struct {
	Seq   logical.Seq
	Delta number.Int128
}

// share is what the origin contributes to the sum.
func (c *Count) share() number.Int128 {
	n := c.Total.Minus(c.Base.Total)
	for i := range c.Voids {
		n = n.Minus(c.Voids[i].Delta)
	}
	return n
}

// Deleted reports whether the version says that the key holds nothing.
func (v *Version) Deleted() bool { return v.Kind == Delete }

// Find is the index of the version with dot d, or where it would be inserted.
func (o *Object) Find(d logical.Dot) (int, bool) {
	if len(o.Versions) > dotset.MaxScan {
		return slices.BinarySearchFunc(o.Versions, d, func(v Version, d logical.Dot) int { return v.Dot.Compare(d) })
	}
	for i := range o.Versions {
		if c := o.Versions[i].Dot.Compare(d); c >= 0 {
			return i, c == 0
		}
	}
	return len(o.Versions), false
}

// NewObject has n versions, which are to be filled in. One that has one is a single piece of
// memory.
func NewObject(key string, n int) *Object {
	if n != 1 {
		o := &Object{Key: key}
		if n > 0 {
			o.Versions = make([]Version, n)
		}
		return o
	}
	o := &struct {
		Object
		version [1]Version
	}{Object: Object{Key: key}}
	o.Versions = o.version[:]
	return &o.Object
}

// Clone returns an object that can be folded without changing o. Value bytes
// are shared: they are immutable.
func (o *Object) Clone() *Object {
	c := NewObject(o.Key, len(o.Versions))
	c.Duplicates = o.Duplicates
	copy(c.Versions, o.Versions)
	for i := range c.Versions {
		c.Versions[i].Count.Voids = slices.Clone(c.Versions[i].Count.Voids)
	}
	return c
}

// insert inserts the version of op at index i; no resolver keeps it yet.
func (o *Object) insert(i int, op *Op) {
	o.Versions = slices.Insert(o.Versions, i, versionOf(op))
}

// versionOf is the op's version; no resolver keeps it yet.
func versionOf(op *Op) Version {
	wall, hlc, lamport := op.Stamps()
	return Version{
		Dot: op.Dot, Kind: op.Kind, Value: op.Value, Expires: op.Expires,
		Wall: wall, HLC: hlc, Lamport: lamport,
	}
}

// Sweep drops the versions that no resolver keeps, and the fields that none of its
// resolvers needs.
func (o *Object) Sweep() {
	o.Versions = slices.DeleteFunc(o.Versions, func(v Version) bool { return v.Mask == 0 })
	for i := range o.Versions {
		o.Versions[i].trim()
	}
}

// trim makes equal versions equal bytes, whichever resolvers kept them before.
func (v *Version) trim() {
	if v.Mask&(Counter.Mask()|Derived) == 0 {
		v.Count = Count{}
	}
	if v.Mask&^Derived == Counter.Mask() {
		v.Value = nil
	}
	if v.Mask == Derived {
		v.Value, v.Expires, v.Touched = nil, 0, nil // only its totals are needed
	}
}
