package monitor

import (
	"cmp"
	"slices"
	"time"

	"kvd/wallclock"
)

// Clock is what is known of another member's clock.
type Clock struct {
	Member string
	Offset wallclock.Offset // of what it shows, against what ours shows
	Truth  wallclock.Offset // of true time, against what ours shows, if what it claims holds
	Claims time.Duration    // the half-width of the error that it claims
}

// State is what members' clocks, taken together, allow to be said.
type State uint8

// The states.
const (
	TooFew State = iota // fewer than a majority of all members was heard: nothing can be said
	Split               // no majority has a point in common: some claims are false, and nobody knows whose
	Agreed              // a majority agrees
)

var states = [...]string{TooFew: "too-few", Split: "split", Agreed: "agreed"}

// String names the state.
func (s State) String() string { return states[min(int(s), len(states)-1)] }

// Member is one clock and what the majority makes of it.
type Member struct {
	Clock
	// Outside is how far the interval that the clock names for true time lies outside of
	// what the majority has in common; positive: the clock is ahead, zero: it is inside,
	// or nobody can tell.
	Outside time.Duration
}

// Verdict is what one member makes of all clocks at one moment, its own among them.
type Verdict struct {
	State   State
	Members int // that are configured, ourselves included
	Heard   int // whose clocks are known, ourselves included
	// Majority bounds true time against our own clock, where the state is Agreed.
	Majority wallclock.Offset
	Own      Member   // ours
	Others   []Member // those that were heard, by name
	// Min, Median and Max are of all clocks against ours, each at its best guess.
	Min, Median, Max time.Duration
}

// Quorum is how many of n members are a majority.
func Quorum(n int) int { return n/2 + 1 }

// Judge compares our own clock, which claims the half-width error, with the others that
// were heard of late. Members is how many there are with us, heard or not. The clocks are
// sorted in place.
func Judge(own string, claims time.Duration, others []Clock, members int) Verdict {
	v := Verdict{Members: max(members, 1), Heard: len(others) + 1, Own: Member{Clock: Clock{Member: own, Truth: wallclock.Offset{Earliest: -claims, Latest: claims}, Claims: claims}}}
	slices.SortFunc(others, func(a, b Clock) int { return cmp.Compare(a.Member, b.Member) })
	said, shown := []wallclock.Offset{v.Own.Truth}, []time.Duration{0}
	for _, c := range others {
		m := Member{Clock: c}
		v.Others = append(v.Others, m)
		said, shown = append(said, m.Truth), append(shown, c.Offset.Midpoint())
	}
	slices.Sort(shown)
	v.Min, v.Median, v.Max = shown[0], shown[(len(shown)-1)/2], shown[len(shown)-1]
	if v.Heard < Quorum(v.Members) {
		return v
	}
	common, _, agreed := wallclock.Agree(said, v.Members)
	if !agreed {
		v.State = Split
		return v
	}
	v.State, v.Majority = Agreed, common
	v.Own.Outside = v.Own.outside(common)
	for i := range v.Others {
		v.Others[i].Outside = v.Others[i].outside(common)
	}
	return v
}

// outside is how far the clock's interval is ahead of all of common, or behind it.
func (m *Member) outside(common wallclock.Offset) time.Duration {
	switch t := m.Truth; {
	case t.Earliest > common.Latest:
		return t.Earliest - common.Latest
	case t.Latest < common.Earliest:
		return t.Latest - common.Earliest
	}
	return 0
}

// Wrong lists the members that lie outside, ourselves first and then by name.
func (v *Verdict) Wrong() []string {
	var names []string
	if v.Own.Outside != 0 {
		names = append(names, v.Own.Member)
	}
	for i := range v.Others {
		if v.Others[i].Outside != 0 {
			names = append(names, v.Others[i].Member)
		}
	}
	return names
}
