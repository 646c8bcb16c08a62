package resolve

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// ID is a resolver's index in the table. It is stored in masks, so indexes never
// change and new resolvers go at the end.
type ID uint8

// The resolvers.
const (
	LWW ID = iota
	Lamport
	HLC
	Interval
	Siblings
	Causal
	Counter
	resolvers // how many there are
)

// Mask is a set of resolvers.
type Mask uint16

// All is every resolver.
const All Mask = 1<<resolvers - 1

// Resolver is a rule for which versions of a key survive.
type Resolver interface {
	// Fold decides who keeps the new version, and whom it displaces, by setting
	// and clearing the resolver's bit in the object's versions.
	Fold(f *Folding)
	// Survivors appends the indexes of the versions a reader is shown, best
	// first. They are among those that the resolver keeps.
	Survivors(o *Object, bit Mask, dst []int) []int
	// Loses reports whether the rule can throw away a write that nobody who
	// overwrote it had seen.
	Loses() bool
}

// Folding is one op being folded under one resolver.
type Folding struct {
	Object  *Object
	New     int // index of the op's version
	Op      *Op
	Bit     Mask // the resolver's own
	History History
}

// table is every resolver, in the order of their IDs.
var table = [resolvers]row{
	LWW:      {"lww", maximal{byWall}, stamps, false, "keeps the greatest wall clock midpoint"},
	Lamport:  {"lamport", maximal{byLamport}, stamps, false, "keeps the greatest Lamport stamp"},
	HLC:      {"hlc", maximal{byHLC}, stamps, false, "keeps the greatest hybrid logical stamp"},
	Interval: {"interval", interval{}, liveSet, false, "keeps what siblings keeps, unless another's interval lies wholly after it"},
	Siblings: {"siblings", siblings{}, liveSet, true, "keeps every version that no author of a later one had been shown"},
	Causal:   {"causal", causal{}, liveSet, false, "keeps what siblings keeps, shows the greatest hybrid logical stamp"},
	Counter:  {"counter", counter{}, totals, true, "adds up every increment"},
}

// row is all there is to know about one resolver.
type row struct {
	name string
	rule Resolver
	by   family
	// tombstones: what survives holds no deletions, so the object keeps tombstones too.
	tombstones bool
	summary    string
}

// family is what a resolver's versions are.
type family uint8

const (
	stamps  family = iota // the maximal elements of an order on stamps
	liveSet               // all that no op has covered: what of it is not shown, ops name as hidden
	totals                // each origin's running total
)

// families is the resolvers of each family.
var families = func() (all [totals + 1]Mask) {
	for id := range All.Each {
		all[table[id].by] |= id.Mask()
	}
	return all
}()

// ofFamily is the resolvers of m that belong to the family.
func (m Mask) ofFamily(by family) Mask { return m & families[by] }

// IDs lists every resolver in table order.
func IDs() []ID {
	return slices.Collect(All.Each)
}

// ParseID finds a resolver by name.
func ParseID(name string) (ID, error) {
	for i := range table {
		if table[i].name == name {
			return ID(i), nil
		}
	}
	return 0, fmt.Errorf("no resolver is called %q; there are %s", name, strings.Join(All.Names(), ", "))
}

// String is the resolver's name.
func (id ID) String() string {
	if id >= resolvers {
		return fmt.Sprintf("resolver %d", uint8(id))
	}
	return table[id].name
}

// Rule is one sentence about what the resolver keeps.
func (id ID) Rule() string { return table[id].summary }

// Mask is the set that holds only id.
func (id ID) Mask() Mask { return 1 << id }

// Keeps is the set that holds only id, with the marks that it puts on versions
// beside its bit.
func (id ID) Keeps() Mask {
	switch id {
	case Interval:
		return id.Mask() | watermark
	case Counter:
		return id.Mask() | Derived
	}
	return id.Mask()
}

// Loses reports whether the resolver can lose an acknowledged write.
func (id ID) Loses() bool { return table[id].rule.Loses() }

// Has reports whether id is in the set.
func (m Mask) Has(id ID) bool { return m&id.Mask() != 0 }

// Each yields the set in table order.
func (m Mask) Each(yield func(ID) bool) {
	for m := m & All; m != 0; m &= m - 1 {
		if !yield(ID(bits.TrailingZeros16(uint16(m)))) {
			return
		}
	}
}

// Names lists the set in table order.
func (m Mask) Names() []string {
	var names []string
	for id := range m.Each {
		names = append(names, id.String())
	}
	return names
}
