package dotset

import (
	"slices"

	"kvd/logical"
)

// Without is the dots that are not among others, sorted, in memory of their own.
func Without(dots, others []logical.Dot) []logical.Dot {
	var rest []logical.Dot
	over := Of(others)
	for _, d := range dots {
		if !over.Has(d) {
			rest = append(rest, d)
		}
	}
	slices.SortFunc(rest, logical.Dot.Compare)
	return rest
}
