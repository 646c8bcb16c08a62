package client

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMergedKeysAreEveryKeyOnce in order, whoever has them.
func TestMergedKeysAreEveryKeyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := rapid.SliceOfN(rapid.SliceOfDistinct(rapid.StringMatching("[a-d]{0,2}"), rapid.ID), 1, 4).Draw(t, "leaders")
		m := &merged{heads: make([]*string, len(sets))}
		var want []string
		for _, page := range sets {
			slices.Sort(page)
			m.from = append(m.from, &keys{page: page, cursor: "0"})
			want = append(want, page...)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		var got []string
		for {
			keys, err := m.Take(t.Context(), 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) == 0 {
				break
			}
			got = append(got, keys...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
