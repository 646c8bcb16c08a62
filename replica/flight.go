package replica

import (
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// leg is a part of a stream in flight.
type leg struct {
	to    logical.Seq // its last op
	bytes int
}

// legBytes is up to how much is gathered in one leg: acknowledgements free window
// by the leg.
const legBytes = 64 << 10

// weigh is what ops take together.
func weigh(ops []*resolve.Op) (bytes int) {
	for _, op := range ops {
		bytes += op.Footprint()
	}
	return bytes
}

// ship notes that ops, which follow what was sent, leave.
func (st *stream) ship(ops []*resolve.Op) {
	for _, op := range ops {
		n := op.Footprint()
		st.sent = op.Dot.Seq
		st.bytes += n
		if last := len(st.flight) - 1; last >= 0 && st.flight[last].bytes+n <= legBytes {
			st.flight[last] = leg{st.sent, st.flight[last].bytes + n}
			continue
		}
		st.flight = append(st.flight, leg{st.sent, n})
	}
}

// arrived takes what the peer has, up to k, out of flight.
func (st *stream) arrived(k logical.Seq) {
	n := 0
	for ; n < len(st.flight) && st.flight[n].to <= k; n++ {
		st.bytes -= st.flight[n].bytes
	}
	st.flight = slices.Delete(st.flight, 0, n)
	if st.stuck.Dot.Seq <= k {
		st.stuck = OversizedOp{}
	}
}

// restart takes the guess back that anything after k is on its way.
func (st *stream) restart(k logical.Seq) {
	st.sent, st.flight, st.bytes = k, st.flight[:0], 0
}

// inFlight is how many ops were shipped that the peer is not known to have.
func (p *peer) inFlight() int {
	n := 0
	for i := range p.streams {
		st := &p.streams[i]
		n += int(st.sent - min(st.sent, p.known.At(st.origin)))
	}
	return n
}

// inFlightBytes is what those take, to about a leg.
func (p *peer) inFlightBytes() int {
	n := 0
	for i := range p.streams {
		n += p.streams[i].bytes
	}
	return n
}
