package dotset

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
)

func TestDotSetHoldsWhatASliceHolds(t *testing.T) {
	dot := rapid.Custom(func(t *rapid.T) logical.Dot {
		return logical.Dot{Origin: logical.Origin(rapid.IntRange(1, 3).Draw(t, "origin")), Seq: logical.Seq(rapid.IntRange(1, 20).Draw(t, "seq"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		dots := rapid.SliceOfN(dot, 0, 40).Draw(t, "dots")
		if rapid.Bool().Draw(t, "ascending") {
			slices.SortFunc(dots, logical.Dot.Compare)
		}
		before, d := slices.Clone(dots), dot.Draw(t, "d")
		if got, want := Of(dots).Has(d), slices.Contains(dots, d); got != want {
			t.Fatalf("%s among %v: %t, want %t", d, dots, got, want)
		}
		if !slices.Equal(dots, before) {
			t.Fatalf("the dots were put in order: %v, were %v", dots, before)
		}
	})
}
