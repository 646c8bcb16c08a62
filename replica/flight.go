package replica

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// shipment is one op in flight.
type shipment struct {
	bytes int
	end   int // peer.shipped once it had left
}

// weigh is what ops take together.
func weigh(ops []*resolve.Op) (bytes int) {
	for _, op := range ops {
		bytes += op.Footprint()
	}
	return bytes
}

// ship notes that ops, which follow what was sent, leave. Where nothing was in flight
// the peer has the whole time for progress from now on, however long they waited for
// the window.
func (p *peer) ship(st *stream, ops []*resolve.Op, now wallclock.Mono) {
	if len(st.flight) == 0 {
		st.since = now
	}
	for _, op := range ops {
		n := op.Footprint()
		p.shipped += n
		st.sent = op.Dot.Seq
		st.bytes += n
		st.flight = append(st.flight, shipment{n, p.shipped})
	}
}

// arrived takes what the peer has, up to k, out of flight.
func (st *stream) arrived(k logical.Seq) {
	n := len(st.flight) - int(st.sent-min(st.sent, k))
	for _, s := range st.flight[:n] {
		st.bytes -= s.bytes
	}
	st.flight = slices.Delete(st.flight, 0, n)
	if st.stuck.Dot.Seq <= k {
		st.stuck = OversizedOp{}
	}
}

// restart takes the guess back that anything after k is on its way.
func (st *stream) restart(k logical.Seq) {
	st.sent, st.flight, st.bytes, st.ahead = k, st.flight[:0], 0, 0
}

// inFlight is how many ops were shipped that the peer is not known to have.
func (p *peer) inFlight() int {
	n := 0
	for i := range p.streams {
		st := &p.streams[i]
		n += int(st.sent - p.known.At(st.origin))
	}
	return n
}

// inFlightBytes is what those take.
func (p *peer) inFlightBytes() int {
	n := 0
	for i := range p.streams {
		n += p.streams[i].bytes
	}
	return n
}
