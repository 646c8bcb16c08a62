package stream

import (
	"cmp"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Set is the streams to one peer. The zero Set is empty.
type Set struct {
	streams []Stream // by origin
	shipped int      // bytes of ops sent to the peer, ever
}

// Of is the origin's stream, made at acked if there is none. It is valid until the next
// one is made.
func (s *Set) Of(o logical.Origin, acked logical.Seq) *Stream {
	i, ok := slices.BinarySearchFunc(s.streams, o, func(s Stream, o logical.Origin) int { return cmp.Compare(s.Origin, o) })
	if !ok {
		s.streams = slices.Insert(s.streams, i, Stream{Origin: o, Sent: acked})
	}
	return &s.streams[i]
}

// All is the streams, by origin. The Set keeps the slice.
func (s *Set) All() []Stream { return s.streams }

// Rewind starts every stream anew from what the peer is known to have.
func (s *Set) Rewind(known logical.Frontier, now wallclock.Mono) {
	for i := range s.streams {
		st := &s.streams[i]
		*st = Stream{Origin: st.Origin, Sent: known.At(st.Origin), Since: now, Lacking: true}
	}
}

// Ship notes that ops, which follow what was sent of the stream, leave. Where nothing was
// in flight the peer has the whole time for progress from now on, however long they
// waited for the window.
func (s *Set) Ship(st *Stream, ops []*resolve.Op, now wallclock.Mono) {
	if len(st.flight) == 0 {
		st.Since = now
	}
	for _, op := range ops {
		n := op.Footprint()
		s.shipped += n
		st.Sent = op.Dot.Seq
		st.bytes += n
		st.flight = append(st.flight, shipment{n, s.shipped})
	}
}

// ShipAgain notes that ops leave once more that are in flight already, or that the peer
// is known to have.
func (s *Set) ShipAgain(ops []*resolve.Op) { s.shipped += Footprint(ops) }

// Footprint is what ops take together, in bytes.
func Footprint(ops []*resolve.Op) (bytes int) {
	for _, op := range ops {
		bytes += op.Footprint()
	}
	return bytes
}

// InFlight is how many ops were sent that the peer is not known to have.
func (s *Set) InFlight() (n int) {
	for i := range s.streams {
		n += len(s.streams[i].flight)
	}
	return n
}

// Bytes is what those take.
func (s *Set) Bytes() (n int) {
	for i := range s.streams {
		n += s.streams[i].bytes
	}
	return n
}

// Oversized is an op that blocks a stream; zero: none is known.
func (s *Set) Oversized() Oversized {
	for i := range s.streams {
		if st := &s.streams[i]; !st.blocked.Dot.IsZero() {
			return st.blocked
		}
	}
	return Oversized{}
}

// Stalled reports whether any stream in flight has shown no progress for so long.
func (s *Set) Stalled(after time.Duration, now wallclock.Mono) bool {
	return slices.ContainsFunc(s.streams, func(st Stream) bool { return st.Stalled(after, now) })
}

// Underway hears how many bytes of what was shipped are on their way, and gives what is
// among them more time: what waits behind megabytes, on a slow link or at a busy peer,
// has not been lost. It is given as long as it moves, and resend beyond what the bytes
// may take.
//
// A link keeps the order, so that what is on its way is what was shipped last. An op is
// among it as long as less was shipped after it. What is ahead of the op must become
// less; what follows it says nothing, since it may wait at the peer's gate for the very
// op, which was lost.
func (s *Set) Underway(bytes int, resend time.Duration, now wallclock.Mono) {
	for i := range s.streams {
		st := &s.streams[i]
		if len(st.flight) > 0 && st.comesCloser(bytes-(s.shipped-st.flight[0].end), resend, now) {
			st.Since = now
		}
	}
}

// comesCloser takes how many bytes are on their way up to the first op in flight, and
// reports whether that op is among them and has moved lately.
func (st *Stream) comesCloser(ahead int, resend time.Duration, now wallclock.Mono) bool {
	if ahead <= 0 {
		return false
	}
	if st.ahead == 0 || ahead < st.ahead {
		st.ahead, st.moved = ahead, now
	}
	return now < st.moved.Add(resend+Transit(ahead))
}
