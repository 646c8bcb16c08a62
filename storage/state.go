package storage

import "kvd/logical"

// stateFormat is the version of this layout:
//
//	format, origin, lamport, hlc: wall, count, frontier: [origin, seq …] by origin
const stateFormat = 1

// elementsState is the length of the array.
const elementsState = 6

// State is what a leader must remember beside log and objects; every batch may
// carry one. Its fields are those of the core's state, so that one converts to
// the other.
type State struct {
	Origin   logical.Origin // the present life's
	Frontier logical.Frontier
	Lamport  logical.Lamport
	HLC      logical.HLC
}

// AppendState appends s's encoding to dst. Equal states give equal bytes.
func AppendState(dst []byte, s State) []byte {
	dst = appendArray(dst, elementsState)
	dst = append(dst, stateFormat)
	dst = appendUint(dst, uint64(s.Origin))
	dst = appendUint(dst, uint64(s.Lamport))
	dst = appendInt(dst, s.HLC.Wall)
	dst = appendUint(dst, uint64(s.HLC.Count))
	return appendFrontier(dst, s.Frontier)
}

// DecodeState reads what [AppendState] wrote and nothing else. The state shares
// no memory with b.
func DecodeState(b []byte) (State, error) {
	r := newReader("state", b)
	n := r.array("elements of a state", elementsState, 1)
	r.require(n == elementsState, "a state has six elements")
	r.require(r.uint() == stateFormat, "the format is not known to this version of the program")
	s := State{Origin: logical.Origin(r.uint()), Lamport: logical.Lamport(r.uint())}
	s.HLC = logical.HLC{Wall: r.int(), Count: r.count32()}
	s.Frontier = r.frontier()
	if err := r.end(); err != nil {
		return State{}, err
	}
	return s, nil
}

func appendFrontier(dst []byte, f logical.Frontier) []byte {
	dst = appendArray(dst, 2*f.Len())
	for d := range f.All() {
		dst = appendDot(dst, d)
	}
	return dst
}

// frontier reads dots by origin, none twice, none empty.
func (r *reader) frontier() logical.Frontier {
	var f logical.Frontier
	n := r.array("places of a frontier", 2*MaxDeps, 1)
	r.require(n%2 == 0, "a frontier comes in pairs")
	last := logical.Origin(0)
	for range n / 2 {
		d := r.dot()
		r.require(d.Origin > last && d.Seq > 0, "a frontier is not in order")
		if r.err != nil {
			return logical.Frontier{}
		}
		last = d.Origin
		f.Advance(d)
	}
	return f
}
