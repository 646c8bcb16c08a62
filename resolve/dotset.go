package resolve

import (
	"slices"

	"kvd/logical"
)

// dotSet answers whether a dot is among others. Most sets hold one or two, and
// looking through a few is cheapest; a larger set is ascending.
type dotSet []logical.Dot

// setOf is the set of dots, which it shares where they are few or ascend already.
func setOf(dots []logical.Dot) dotSet {
	if len(dots) <= maxScan || slices.IsSortedFunc(dots, logical.Dot.Compare) {
		return dots
	}
	return slices.SortedFunc(slices.Values(dots), logical.Dot.Compare)
}

func (s dotSet) has(d logical.Dot) bool {
	if len(s) <= maxScan {
		return slices.Contains(s, d)
	}
	_, found := slices.BinarySearchFunc(s, d, logical.Dot.Compare)
	return found
}
