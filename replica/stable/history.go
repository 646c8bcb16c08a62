package stable

import (
	"math"
	"time"

	"kvd/logical"
	"kvd/storage/log"
)

// History is how much of the log is kept that every leader has. The zero History is all.
type History struct {
	Bytes int64         // older segments go; zero: no bound
	Age   time.Duration // segments that were last written to before go; zero: no bound
}

// Bounded reports whether anything is ever removed.
func (h History) Bounded() bool { return h.Bytes > 0 || h.Age > 0 }

// What a segment has at least, and at most. It is removed as a whole, so a short history
// has small ones.
const (
	minSegment = 1 << 20
	maxSegment = 64 << 20
	segments   = 8 // of one history
)

// SegmentBytes is the size of the log's segments.
func (h History) SegmentBytes() int64 {
	if h.Bytes == 0 {
		return maxSegment
	}
	return min(max(h.Bytes/segments, minSegment), maxSegment)
}

// Kept is what must stay when so much is stable.
func (h History) Kept(stable logical.Frontier, now time.Time) log.Kept {
	k := log.Kept{Stable: stable, From: math.MaxUint64, Bytes: h.Bytes}
	if h.Bytes == 0 {
		k.Bytes = math.MaxInt64
	}
	if h.Age > 0 {
		k.Since = now.Add(-h.Age)
	}
	return k
}
