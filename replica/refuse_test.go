package replica_test

import (
	"errors"
	"strings"
	"testing"

	"kvd/replica"
)

func TestWritesAreRefusedAndReadsGoOn(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	first := n.ask(&replica.Request{ID: 1, Verb: replica.Set, Key: "x", Value: []byte("a"), Client: 9, Number: 1})
	why := replica.Refusal{Cause: "disk", Detail: "the disk is full; make room"}
	out := n.cycle(replica.RefuseWrites{Why: why}, replica.RefuseWrites{Why: why})
	if got := of[replica.WritesRefused](out.Events); len(got) != 1 || got[0].Why != why {
		t.Errorf("events say %v, want %v once", got, why)
	}
	for _, q := range []*replica.Request{
		set("x", "b"), {Verb: replica.Remove, Key: "x"}, {Verb: replica.Incr, Key: "n", Delta: 1},
		decided("x", writes(replica.Write{Verb: replica.Set, Value: []byte("c")})),
	} {
		if rep := n.ask(q); !errors.Is(rep.Err, replica.ErrReadOnly) || !strings.Contains(rep.Err.Error(), why.Detail) {
			t.Errorf("%s is answered %v, want %v and why", q.Verb, rep.Err, replica.ErrReadOnly)
		}
	}
	for _, q := range []*replica.Request{
		{Verb: replica.Get, Key: "x"}, decided("x", writes(replica.Write{Verb: replica.Get})),
	} {
		if rep := n.ask(q); rep.Err != nil || string(rep.Shown.Values[0]) != "a" {
			t.Errorf("%s that reads is answered %v, %q", q.Verb, rep.Err, rep.Shown.Values)
		}
	}
	if rep := n.ask(&replica.Request{ID: 2, Verb: replica.Set, Key: "x", Value: []byte("a"), Client: 9, Number: 1}); rep.Err != nil || rep.Dot != first.Dot {
		t.Errorf("a retry of what was accepted is answered %v, %s, want %s", rep.Err, rep.Dot, first.Dot)
	}
}

func TestWritesAreTakenAgainWhenNoCauseIsLeft(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.cycle(replica.RefuseWrites{Why: replica.Refusal{Cause: "b", Detail: "two"}}, replica.RefuseWrites{Why: replica.Refusal{Cause: "a", Detail: "one"}})
	if got := n.core.Refusals(nil); len(got) != 2 || got[0].Cause != "a" {
		t.Errorf("refusals are %v, want both by cause", got)
	}
	out := n.cycle(replica.AllowWrites{Cause: "a"}, replica.AllowWrites{Cause: "never"})
	if got := of[replica.WritesAllowed](out.Events); len(got) != 1 || got[0].Left != 1 {
		t.Errorf("events say %v, want one with one left", got)
	}
	if rep := n.ask(set("x", "a")); !errors.Is(rep.Err, replica.ErrReadOnly) {
		t.Errorf("with one cause left a write is answered %v", rep.Err)
	}
	n.cycle(replica.AllowWrites{Cause: "b"})
	if rep := n.ask(set("x", "a")); rep.Err != nil {
		t.Errorf("with none left a write is answered %v", rep.Err)
	}
}

// TestNothingIsSweptWhileWritesAreRefused: a deletion of what has expired is a
// write like any other.
func TestNothingIsSweptWhileWritesAreRefused(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(&replica.Request{Verb: replica.Set, Key: "x", Value: []byte("a"), Expires: n.moment().Wall.Latest + 1})
	n.now += 1 << 40
	n.cycle(replica.RefuseWrites{Why: replica.Refusal{Cause: "disk", Detail: "full"}})
	if out := n.cycle(replica.Sweep{Keys: []string{"x"}}); len(out.Puts) > 0 {
		t.Errorf("the sweep put %v", out.Puts)
	}
	n.cycle(replica.AllowWrites{Cause: "disk"})
	if out := n.cycle(replica.Sweep{Keys: []string{"x"}}); len(out.Puts) == 0 {
		t.Error("nothing is swept once writes are taken again")
	}
}
