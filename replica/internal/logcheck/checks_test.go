package logcheck

import (
	"slices"
	"testing"

	"kvd/logical"
)

func at(o logical.Origin, s int) logical.Dot { return logical.Dot{Origin: o, Seq: logical.Seq(s)} }

// A difference is looked at from the last place that agrees up to where the sums
// differed, once, whatever other origins do meanwhile.
func TestADifferenceIsLookedAtOnce(t *testing.T) {
	var c Checks
	for _, o := range []logical.Origin{5, 9, 7} {
		if c.Sum(at(o, 3), true) || c.Sum(at(o, 2), true) {
			t.Errorf("%s agrees, and is called different", o)
		}
	}
	for s, want := range []bool{false, false, false, false, true, false} {
		if got := c.Sum(at(7, s), false); got != want {
			t.Errorf("sums that differ at %d: %v, 3 agreed", s, got)
		}
	}
	if c.Sum(at(7, 6), false) || c.Sum(at(7, 9), true) != false {
		t.Error("told twice")
	}
	c = Checks{}
	c.Sum(at(7, 3), true)
	c.Sum(at(9, 1), false)
	c.Sum(at(7, 5), false)
	if got := c.Wanted(9); !slices.Equal(got, []logical.Dot{at(7, 4), at(9, 1)}) {
		t.Errorf("wanted are %v", got)
	}
	if got := c.Wanted(1); !slices.Equal(got, []logical.Dot{at(7, 4)}) {
		t.Errorf("of one origin: %v", got)
	}
	for _, step := range []struct {
		d    logical.Dot
		want bool
	}{{at(7, 5), false}, {at(7, 3), false}, {at(8, 4), false}, {at(6, 4), false}, {at(10, 1), false}, {at(7, 4), true}, {at(7, 4), false}, {at(7, 5), true}, {at(7, 6), false}} {
		if got := c.Next(step.d); got != step.want {
			t.Errorf("%s is next: %v", step.d, got)
		}
	}
	if c.Sum(at(7, 9), false) {
		t.Error("what was compared is compared again")
	}
	if got := c.Wanted(9); !slices.Equal(got, []logical.Dot{at(9, 1)}) {
		t.Errorf("still wanted are %v", got)
	}
}
