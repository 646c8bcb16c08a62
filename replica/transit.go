package replica

import (
	"time"

	"kvd/wallclock"
)

// Megabytes take time to be written, read, applied and synced on a busy machine.
// If they were shipped again before they can have been acknowledged, by their
// leader and by every other that relays, the copies would take the time that the
// first of them needs: a congestion collapse, as TCP knew it before timeouts
// followed the round trip (Jacobson 1988). So patience grows with the bytes under
// way. Small ops feel none of it.
const (
	slowRate   = 8 << 20          // bytes a second that a peer takes at the least, while it is well
	maxTransit = 15 * time.Second // and what is still waited for then has been lost
	lightBytes = 256 << 10        // what costs a peer no time to speak of
)

// transit is how long so many bytes may take.
func transit(bytes int) time.Duration {
	return min(time.Duration(max(0, bytes-lightBytes))*time.Second/slowRate, maxTransit)
}

// heavy is the bytes of large ops that were applied lately, draining at slowRate:
// what other leaders have still to take as well.
type heavy struct {
	bytes int
	at    wallclock.Mono
}

// add counts an op, if it is large.
func (h *heavy) add(bytes int, now wallclock.Mono) {
	if bytes < lightBytes {
		return
	}
	h.bytes, h.at = h.left(now)+bytes, now
}

// left is what has not drained by now.
func (h *heavy) left(now wallclock.Mono) int {
	gone := int(min(now.Sub(h.at), maxTransit)) / int(time.Second/slowRate)
	return max(0, min(h.bytes, int(maxTransit/time.Second)*slowRate)-gone)
}

// transit is how long what is left may take.
func (h *heavy) transit(now wallclock.Mono) time.Duration {
	if h.bytes == 0 {
		return 0
	}
	return transit(h.left(now))
}

// Underway says how many bytes of what was shipped to a peer are on their way: they wait
// to be sent, or the peer has neither applied nor dropped them. Whoever carries messages
// reliably knows, and tells it when the core would ship again.
type Underway struct {
	Peer  Leader
	Bytes int
}

func (Underway) isInput() {}

// hearUnderway gives the ops that the peer lacks more time while they are on their
// way: what waits behind megabytes, on a slow link or at a busy peer, has not been
// lost.
//
// A link keeps the order, so that what is on its way is what was shipped last. An op is
// among it as long as less was shipped after it. What is ahead of the op must become
// less; what follows it says nothing, since it may wait at the peer's gate for the very
// op, which was lost.
func (t *turn) hearUnderway(in Underway) {
	p := t.peer(in.Peer)
	for i := range p.streams {
		st := &p.streams[i]
		if len(st.flight) > 0 && t.comesCloser(st, in.Bytes-(p.shipped-st.flight[0].end)) {
			st.since = t.m.Mono
		}
	}
}

// comesCloser takes how many bytes are on their way up to the first op in flight, and
// reports whether that op is among them and has moved lately.
func (t *turn) comesCloser(st *stream, ahead int) bool {
	if ahead <= 0 {
		return false
	}
	if st.ahead == 0 || ahead < st.ahead {
		st.ahead, st.moved = ahead, t.m.Mono
	}
	return t.m.Mono < st.moved.Add(t.cfg.Resend+transit(ahead))
}

// Stalled appends the peers to which the core would ship again at now.
func (c *Core) Stalled(now wallclock.Mono, dst []Leader) []Leader {
	for _, p := range c.peers {
		if !p.up {
			continue
		}
		after := c.resendAfter(p, transit(p.inFlightBytes()))
		for i := range p.streams {
			if st := &p.streams[i]; st.sent > p.known.At(st.origin) && st.since.Add(after) <= now {
				dst = append(dst, p.name)
				break
			}
		}
	}
	return dst
}
