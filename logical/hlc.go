package logical

import (
	"cmp"
	"fmt"
	"time"
)

// HLC is a hybrid logical clock (Kulkarni, Demirbas et al. 2014): it rises
// along every causal path like [Lamport], and its Wall part stays at the
// greatest wall clock heard of. The zero value is before every stamp.
type HLC struct {
	Wall  int64  // nanoseconds since 1970 UTC; the paper's l
	Count uint32 // the paper's c: breaks ties within one Wall
}

// Compare orders stamps by Wall, then Count.
func (h HLC) Compare(g HLC) int {
	if c := cmp.Compare(h.Wall, g.Wall); c != 0 {
		return c
	}
	return cmp.Compare(h.Count, g.Count)
}

// Next is the stamp of an operation accepted when the wall clock shows wall
// (nanoseconds since 1970 UTC): the paper's send event.
func (h HLC) Next(wall int64) HLC {
	if wall > h.Wall {
		return HLC{Wall: wall}
	}
	return h.bump()
}

// Merge is the clock after hearing of stamp m when the wall clock shows wall:
// the paper's receive event without the increment, which [HLC.Next] adds when
// the next operation is stamped.
//
// A stamp whose Wall is more than maxDrift ahead of wall is not absorbed:
// Merge then returns h and false. One clock that runs ahead cannot drag the
// others with it; the price is that operations stamped here may be ordered
// before the one refused. The operation itself is applied all the same, since
// a hole in a log can never be filled.
func (h HLC) Merge(m HLC, wall int64, maxDrift time.Duration) (HLC, bool) {
	if m.Compare(h) <= 0 {
		return h, true
	}
	if m.Wall > wall && uint64(m.Wall)-uint64(wall) > uint64(maxDrift) { // the difference may need all 64 bits
		return h, false
	}
	return m, true
}

// bump moves the logical part, carrying into Wall when it is exhausted.
func (h HLC) bump() HLC {
	if h.Count == ^uint32(0) {
		return HLC{Wall: h.Wall + 1}
	}
	return HLC{Wall: h.Wall, Count: h.Count + 1}
}

// String renders seconds, nanoseconds and the count.
func (h HLC) String() string {
	return fmt.Sprintf("%d.%09d+%d", h.Wall/1e9, h.Wall%1e9, h.Count)
}
