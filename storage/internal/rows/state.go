package rows

import (
	"kvd/logical"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// stateFormat is the version of this layout:
//
//	format, origin, lamport, hlc: wall, count, frontier: [origin, seq …] by origin, floor?
//
// What promised nothing has no floor, as those have none that were written before there was
// one.
const stateFormat = 1

// elementsState is the length of the array without a floor.
const elementsState = 6

// State is what a leader must remember beside log and objects; every batch may
// carry one. Its fields are those of the core's state, so that one converts to
// the other.
type State struct {
	Origin   logical.Origin // of the present incarnation
	Frontier logical.Frontier
	Lamport  logical.Lamport
	HLC      logical.HLC
	Floor    wallclock.Instant
}

// AppendState appends a state to dst.
func AppendState(dst []byte, s State) []byte {
	n := elementsState
	if s.Floor != 0 {
		n++
	}
	e := codec.Encode(dst).Array(n).Uint(stateFormat).
		Uint(uint64(s.Origin)).Uint(uint64(s.Lamport)).
		Int(s.HLC.Wall).Uint(uint64(s.HLC.Count)).
		Frontier(s.Frontier)
	if s.Floor != 0 {
		e.Int(int64(s.Floor))
	}
	return e.Done()
}

// DecodeState reads what AppendState wrote and nothing else.
func DecodeState(b []byte) (State, error) {
	d := codec.NewDecoder("state", b)
	promised := d.ArrayBehind(elementsState, 1) == 1
	d.Format(stateFormat)
	s := State{Origin: logical.Origin(d.Uint()), Lamport: logical.Lamport(d.Uint())}
	s.HLC = logical.HLC{Wall: d.Int(), Count: d.Uint32()}
	s.Frontier = d.Frontier()
	if promised {
		s.Floor = wallclock.Instant(d.Int())
		d.Require(s.Floor != 0, "a floor that promises nothing is left out")
	}
	if err := d.End(); err != nil {
		return State{}, err
	}
	return s, nil
}
