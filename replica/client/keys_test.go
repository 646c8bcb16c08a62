package client

import (
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMergedKeysAreEveryKeyOnce in order, whoever has them.
func TestMergedKeysAreEveryKeyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.StringMatching("[a-d]{0,2}"), rapid.ID), 1, 4).Draw(t, "leaders")
		var all []iter.Seq2[string, error]
		var want []string
		for _, page := range sets {
			slices.Sort(page)
			all = append(all, func(yield func(string, error) bool) {
				for _, key := range page {
					if !yield(key, nil) {
						return
					}
				}
			})
			want = append(want, page...)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		var got []string
		for key, err := range merged(all) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
