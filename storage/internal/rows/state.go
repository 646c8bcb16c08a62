package rows

import (
	"kvd/logical"
	"kvd/storage/codec"
)

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
	Origin   logical.Origin // of the present incarnation
	Frontier logical.Frontier
	Lamport  logical.Lamport
	HLC      logical.HLC
}

// AppendState appends a state to dst.
func AppendState(dst []byte, s State) []byte {
	return codec.Encode(dst).Array(elementsState).Uint(stateFormat).
		Uint(uint64(s.Origin)).Uint(uint64(s.Lamport)).
		Int(s.HLC.Wall).Uint(uint64(s.HLC.Count)).
		Frontier(s.Frontier).Done()
}

// DecodeState reads what AppendState wrote and nothing else.
func DecodeState(b []byte) (State, error) {
	d := codec.NewDecoder("state", b)
	d.Tuple(elementsState)
	d.Format(stateFormat)
	s := State{Origin: logical.Origin(d.Uint()), Lamport: logical.Lamport(d.Uint())}
	s.HLC = logical.HLC{Wall: d.Int(), Count: d.Uint32()}
	s.Frontier = d.Frontier()
	if err := d.End(); err != nil {
		return State{}, err
	}
	return s, nil
}
