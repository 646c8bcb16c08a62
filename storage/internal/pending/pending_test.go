package pending

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever comes and is asked for in between, the last object of a key is found, and it
// alone is in the sorted list.
func TestTheLastObjectCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, want := new(List), map[string][]byte{}
		var spare *List
		key := rapid.SampledFrom([]string{"", "a", "a\x00", "k:00000001", "k:00000002", "k:0000000200", "k:0000000300", "k:00000003\x00"})
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 20).Draw(t, "next") == 0 {
				next := l.Next(spare)
				if l.Reset(); len(l.objects)+len(l.index) > 0 || l.Bytes() != 0 {
					t.Fatalf("a list that was reset has %v", l)
				}
				l, spare, want = next, l, map[string][]byte{}
			}
			if k := key.Draw(t, "key"); rapid.Bool().Draw(t, "ask") {
				got, found := l.Object(k)
				if w, ok := want[k]; found != ok || !slices.Equal(got, w) || (got == nil) != (w == nil) {
					t.Fatalf("%q is %v, %v; expected %v, %v", k, got, found, w, ok)
				}
			} else {
				value := rapid.SampledFrom([][]byte{nil, {}, {1}, {2}}).Draw(t, "value")
				l.Append([]Object{{k, value}})
				want[k] = value
			}
		}
		last, bytes := l.Sorted()
		sorted := slices.Collect(last)
		if len(sorted) != len(want) || !slices.IsSortedFunc(sorted, func(a, b Object) int { return cmp.Compare(a.Key, b.Key) }) {
			t.Fatalf("sorted: %v of %v", sorted, slices.Sorted(maps.Keys(want)))
		}
		for _, o := range sorted {
			bytes -= len(o.Key) + len(o.Value)
			if !slices.Equal(o.Value, want[o.Key]) {
				t.Fatalf("%q is %v, expected %v", o.Key, o.Value, want[o.Key])
			}
		}
		if bytes != rowBytes*len(sorted) {
			t.Fatalf("%d objects need %d bytes beside keys and values, expected %d", len(sorted), bytes, rowBytes*len(sorted))
		}
	})
}
