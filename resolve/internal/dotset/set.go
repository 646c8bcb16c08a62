// Package dotset has small sets and indexes of dots. Most folds need few dots, and scanning a
// few is cheaper than sorting or hashing them.
package dotset

import (
	"slices"

	"kvd/logical"
)

// MaxScan is how many are scanned.
const MaxScan = 12

// Set is a set of dots. Most sets hold one or two, which are scanned; a set of more
// than MaxScan is sorted.
type Set []logical.Dot

// Of is the set of dots. It shares their memory where they are few or sorted.
func Of(dots []logical.Dot) Set {
	if len(dots) <= MaxScan || slices.IsSortedFunc(dots, logical.Dot.Compare) {
		return dots
	}
	return slices.SortedFunc(slices.Values(dots), logical.Dot.Compare)
}

// Has reports whether d is in the set.
func (s Set) Has(d logical.Dot) bool {
	if len(s) <= MaxScan {
		return slices.Contains(s, d)
	}
	_, found := slices.BinarySearchFunc(s, d, logical.Dot.Compare)
	return found
}
