package replica

import (
	"kvd/logical"
	"kvd/wallclock"
)

// Promise asks the core to stamp no op at Floor or below any more, wherever its wall clock
// is set to. It does so once its clock has passed that; then it says so to its peers, and
// keeps it over restarts. A deletion with such a stamp need not be kept for what might come
// of this leader: nothing does that the deletion would beat.
type Promise struct{ Floor wallclock.Instant }

func (Promise) isInput() {}

// PutFloor stores the State though no op is stored.
type PutFloor struct{}

// StampLifted: an op was stamped above what the wall clock said, because of a Promise.
type StampLifted struct{ Dot logical.Dot }

func (StampLifted) isEvent() {}

func (t *turn) promise(p Promise) {
	if p.Floor <= t.st.Floor || t.m.Wall.Earliest <= p.Floor {
		return
	}
	t.st.Floor = p.Floor
	t.put(PutFloor{})
}

// adopt promises what a peer has, if nothing was accepted here yet: the leaders count on that
// of everybody, and may have done so before they met this one.
func (t *turn) adopt(floor wallclock.Instant) {
	if floor > t.st.Floor && t.st.Frontier.At(t.st.Origin) == 0 {
		t.st.Floor = floor
		t.put(PutFloor{})
	}
}
