package resolvetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Fair lets three leaders write each of many keys with equal stamps, and fails
// when resolver id prefers one of them by more than chance explains: five
// standard deviations.
func Fair(p resolve.Panel, id resolve.ID, keys int, r *rand.Rand) error {
	origins := []logical.Origin{1, 2, 0xffff_0000_0000_0000}
	wins := map[logical.Origin]float64{}
	for n := range keys {
		rep := NewReplica(p, fmt.Sprintf("key/%d", n))
		for _, i := range r.Perm(len(origins)) {
			op := &resolve.Op{Key: rep.Object.Key, Kind: resolve.Put, Dot: logical.Dot{Origin: origins[i], Seq: logical.Seq(n + 1)}}
			if err := rep.Apply(op); err != nil {
				return err
			}
		}
		for _, d := range rep.Survivors(id) {
			wins[d.Origin]++
		}
	}
	fair := 1 / float64(len(origins))
	noise := 5 * math.Sqrt(float64(keys)*fair*(1-fair))
	for _, o := range origins {
		if math.Abs(wins[o]-float64(keys)*fair) > noise {
			return fmt.Errorf("%s: of %d ties origin %s wins %.0f; fair is %.0f ± %.0f", id, keys, o, wins[o], float64(keys)*fair, noise)
		}
	}
	return nil
}

// Overlap folds a chain of intervals, each overlapping the next, in every
// order, and fails when the survivors differ: overlap is not transitive, so
// whoever compares by pairs depends on arrival.
func Overlap(p resolve.Panel) error {
	chain := []wallclock.Interval{{Earliest: 0, Latest: 10}, {Earliest: 8, Latest: 20}, {Earliest: 18, Latest: 30}, {Earliest: 28, Latest: 40}}
	want := []logical.Dot{{Origin: 3, Seq: 1}, {Origin: 4, Seq: 1}}
	for _, order := range permutations(len(chain)) {
		rep := NewReplica(p, "k")
		for _, i := range order {
			op := &resolve.Op{Key: "k", Kind: resolve.Put, Dot: logical.Dot{Origin: logical.Origin(i + 1), Seq: 1}, Wall: chain[i]}
			if err := rep.Apply(op); err != nil {
				return err
			}
		}
		if got := rep.Survivors(resolve.Interval); !slices.Equal(got, want) {
			return fmt.Errorf("interval: arriving as %v, %v survive, want %v", order, got, want)
		}
	}
	return nil
}

// permutations is every order of 0 … n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}
