package resolve

import (
	"slices"

	"kvd/logical"
)

// dotSet is a set of dots. Most sets hold one or two, which are scanned; a set of more
// than maxScan is sorted.
type dotSet []logical.Dot

// setOf is the set of dots. It shares their memory where they are few or sorted.
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
