package scenarios_test

import (
	"context"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
)

// TestALongRunSaysHowFarItIs: and what it says changes nothing.
func TestALongRunSaysHowFarItIs(t *testing.T) {
	s, err := script.Parse("long", []byte("-- scenario --\nname long\nleaders n1 n2\nclient A at=n1\nevery 1ms times=1500 from=1s A incr x\nsettle 1s\n"))
	if err != nil {
		t.Fatal(err)
	}
	var before time.Duration
	told := 0
	w := scenarios.Watch{Along: func(name string, under resolve.ID, at, end time.Duration, events int) {
		told++
		if name != "long" || under != resolve.Counter || at < before || end < at || at > 0 && events == 0 {
			t.Errorf("%s under %s is at %s of %s with %d events, and was at %s before", name, under, at, end, events, before)
		}
		before = at
	}}
	ids := []resolve.ID{resolve.Counter}
	watched, err := w.Compare(context.Background(), []*script.Scenario{s}, ids, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if told < 2 || before == 0 {
		t.Errorf("it is told %d times how far the run is, the last time at %s", told, before)
	}
	alone, err := scenarios.Compare(context.Background(), []*script.Scenario{s}, ids, 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if watched[0].Trace.Hash() != alone[0].Trace.Hash() {
		t.Error("the run differs where it is watched")
	}
}
