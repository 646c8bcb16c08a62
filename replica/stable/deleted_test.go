package stable

import (
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// TestDeletionsCloseWhenNothingEarlierCanCome: not for their age, and not as long as one of
// the conditions is missing.
func TestDeletionsCloseWhenNothingEarlierCanCome(t *testing.T) {
	deletion := func(o logical.Origin, seq logical.Seq) resolve.Version {
		return resolve.Version{Dot: logical.Dot{Origin: o, Seq: seq}, Kind: resolve.Delete, Mask: resolve.All, Wall: wallclock.Around(100, 10), HLC: logical.HLC{Wall: 105}, Lamport: 7}
	}
	of := func(vs ...resolve.Version) *resolve.Object { return &resolve.Object{Key: "k", Versions: vs} }
	put, derived := deletion(1, 5), deletion(1, 5)
	put.Kind, derived.Mask = resolve.Put, resolve.Derived
	enough := Closing{Outside: at(5, 5), Floor: 105, Lamport: 7}
	for name, c := range map[string]struct {
		closing Closing
		object  *resolve.Object
		closed  bool
	}{
		"enough":                  {enough, of(deletion(1, 5), deletion(2, 5)), true},
		"nothing is known":        {Closing{}, of(deletion(1, 5)), false},
		"one is not stable":       {enough, of(deletion(1, 5), deletion(2, 6)), false},
		"below a wall stamp":      {Closing{at(5, 5), 99, 7}, of(deletion(1, 5)), false},
		"below a hybrid stamp":    {Closing{at(5, 5), 104, 7}, of(deletion(1, 5)), false},
		"below a Lamport stamp":   {Closing{at(5, 5), 105, 6}, of(deletion(1, 5)), false},
		"a value is there":        {enough, of(deletion(1, 4), put), false},
		"a total goes on from it": {enough, of(derived), false},
		"nothing is there":        {enough, of(), false},
	} {
		if got := c.closing.Closed(c.object); got != c.closed {
			t.Errorf("%s: closed %t, want %t", name, got, c.closed)
		}
	}
}

func TestOnlyWhatEverybodyPromisesCounts(t *testing.T) {
	v := View{Floor: 9, Members: []Member{{Name: "b", Floor: 7}, {Name: "c", Floor: 8}}}
	if got := v.Promised(); got != 7 {
		t.Errorf("promised is %d, want 7", got)
	}
	v.Members = append(v.Members, Member{Name: "never heard"})
	if got := v.Promised(); got != 0 {
		t.Errorf("one has promised nothing, and all have promised %d", got)
	}
}
