package stable

import (
	"fmt"
	"math"
	"time"

	"kvd/logical"
	"kvd/storage/log"
)

// History is how much of the log is kept. The zero History is all.
type History struct {
	Bytes int64         // of what every leader has: older segments go; zero: no bound
	Age   time.Duration // the same: segments that were last written to before go; zero: no bound
	// Pinned is the bytes that are kept at most for leaders that lack them: with the state of
	// another they come back all the same. Zero: no bound.
	Pinned int64
}

// DefaultHistory keeps what fits on most disks. A long week-end at 100 writes a second is
// about as much as what is kept for leaders that are away.
func DefaultHistory() History { return History{Bytes: 1 << 30, Pinned: 4 << 30} }

// Validate refuses bounds that are none.
func (h History) Validate() error {
	if h.Bytes < 0 || h.Age < 0 || h.Pinned < 0 {
		return fmt.Errorf("a history of %d bytes and %s, and of %d bytes for leaders that are away: none can be negative; zero sets no bound", h.Bytes, h.Age, h.Pinned)
	}
	return nil
}

// Bounded reports whether anything is ever removed.
func (h History) Bounded() bool { return h.Bytes > 0 || h.Age > 0 || h.Pinned > 0 }

// Beyond is what must stay whoever lacks it: of what is durable here, the newest bytes that
// may be pinned.
func (h History) Beyond(durable logical.Frontier) log.Kept {
	return log.Kept{Stable: durable, From: math.MaxUint64, Bytes: h.Pinned}
}

// What a segment has at least, and at most. It is removed as a whole, so a short history
// has small ones.
const (
	minSegment = 1 << 20
	maxSegment = 64 << 20
	segments   = 32 // of one history
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
