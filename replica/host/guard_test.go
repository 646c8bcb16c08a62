package host_test

import (
	"errors"
	"testing"

	"kvd/replica"
	"kvd/replica/host"
)

// A guard that a request of a call breaks keeps those behind it from being done.
func TestBrokenGuardForbidsTheRest(t *testing.T) {
	p, _, _ := fresh(t, nil)
	h := start(t, p, host.LoopConfig{SweepEvery: -1})
	h.must(set("a", "1"), set("b", "1"))
	guard := &replica.Guard{}
	breaks := &replica.Request{Verb: replica.Update, Key: "a", Decide: func(p replica.Present) (replica.Write, error) {
		guard.Broken = string(p.Reading.Values[0]) == "1"
		return replica.Write{Verb: replica.Get}, nil
	}}
	write, read := set("b", "2"), get("b")
	write.Guard, read.Guard = guard, guard
	got := h.must(set("b", "before"), breaks, write, read, get("b"))
	for i, want := range []error{nil, nil, replica.ErrGuard, replica.ErrGuard, nil} {
		if !errors.Is(got[i].Err, want) {
			t.Errorf("request %d: %v, want %v", i, got[i].Err, want)
		}
	}
	if shown(got[4]) != "[before]" {
		t.Errorf("b shows %s", shown(got[4]))
	}
}
