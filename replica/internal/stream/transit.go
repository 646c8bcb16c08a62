package stream

import (
	"time"

	"kvd/wallclock"
)

// Megabytes take time to be written, read, applied and synced on a busy machine. If they
// were shipped again before they can have been acknowledged, by their leader and by every
// other that relays, the copies would take the time that the first of them needs: a
// congestion collapse, as TCP knew it before timeouts followed the round trip (Jacobson
// 1988). So timeouts grow with the bytes under way. Small ops feel none of it.
const (
	slowRate   = 8 << 20          // bytes a second that a peer takes at the least, while it is well
	maxTransit = 15 * time.Second // and what is still waited for then has been lost
	lightBytes = 256 << 10        // what costs a peer no time to speak of
)

// Transit is how long so many bytes may take.
func Transit(bytes int) time.Duration {
	return min(time.Duration(max(0, bytes-lightBytes))*time.Second/slowRate, maxTransit)
}

// Backlog is the bytes of large ops that were applied lately, draining at the slowest
// rate: what other leaders have still to take as well. The zero Backlog is empty.
type Backlog struct {
	bytes int
	at    wallclock.Mono
}

// Add counts an op, if it is large.
func (b *Backlog) Add(bytes int, now wallclock.Mono) {
	if bytes < lightBytes {
		return
	}
	b.bytes, b.at = b.left(now)+bytes, now
}

// left is what has not drained by now.
func (b *Backlog) left(now wallclock.Mono) int {
	gone := int(min(now.Sub(b.at), maxTransit)) / int(time.Second/slowRate)
	return max(0, min(b.bytes, int(maxTransit/time.Second)*slowRate)-gone)
}

// Transit is how long what is left may take.
func (b *Backlog) Transit(now wallclock.Mono) time.Duration { return Transit(b.left(now)) }
