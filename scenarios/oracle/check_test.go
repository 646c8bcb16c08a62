package oracle_test

import (
	"testing"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

type verdict struct {
	held bool
	at   time.Duration
	why  string
}

func answer(held bool, at time.Duration, why string) verdict { return verdict{held, at, why} }

func TestChecksOfAScript(t *testing.T) {
	s := threeWay()
	s.final(shows("b", d(2, 1)))
	v := judge(s.h, "hlc")
	yes := verdict{held: true}
	cases := []struct {
		name string
		got  verdict
		want verdict
	}{
		{"converged", answer(v.CheckConverged()), yes},
		{"lost x = 2", answer(v.CheckLost("x", 2)), yes},
		{"lost = 2", answer(v.CheckLost("", 2)), yes},
		{"lost y = 0", answer(v.CheckLost("y", 0)), yes},
		{"lost x = 1", answer(v.CheckLost("x", 1)), verdict{why: "2 acknowledged updates are lost, expected 1; the first is a of x by A (concurrent)"}},
		{"lost y = 1", answer(v.CheckLost("y", 1)), verdict{why: "0 acknowledged updates are lost, expected 1"}},
		{"acked = accounted", answer(v.CheckAccounted()), verdict{why: "2 acknowledged updates are lost, expected 0; the first is a of x by A (concurrent)"}},
		{"durability = 0", answer(v.CheckDurability(0)), yes},
		{"durability = 1", answer(v.CheckDurability(1)), verdict{why: "0 acknowledged updates are gone though nothing beat them, expected 1"}},
		{"value x = b", answer(v.CheckValue("x", "b", false)), yes},
		{"value x = a", answer(v.CheckValue("x", "a", false)), verdict{why: `n1 shows ["b"], expected ["a"]`}},
		{"value x = absent", answer(v.CheckValue("x", "", true)), verdict{why: `n1 shows ["b"], expected absent`}},
		{"value y = absent", answer(v.CheckValue("y", "", true)), yes},
		{"visible w0 before b", answer(v.CheckVisible("w0", "b")), yes},
		{"visible a before b", answer(v.CheckVisible("a", "b")), verdict{at: 10 * time.Millisecond, why: "n2 had b before a"}},
		{"visible b before nothing", answer(v.CheckVisible("b", "nothing")), yes},
		{"visible nothing before b", answer(v.CheckVisible("nothing", "b")), verdict{at: 10 * time.Millisecond, why: "n2 had b before nothing"}},
		{"no-resurrection x", answer(v.CheckNoResurrection("x")), yes},
		{"no-overcount x", answer(v.CheckNoOvercount("x")), yes},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("check %s: %+v, expected %+v", c.name, c.got, c.want)
		}
	}
}

// TestNoResurrectionIsSafety: what came back is named when it is shown, even if
// it goes again, but only where the delete had been applied and had counted.
func TestNoResurrectionIsSafety(t *testing.T) {
	gone := shows("", d(1, 2))
	s := deleted(gone)
	s.reads("C", "n2", shows("a", d(1, 1)))
	s.applied(d(1, 2), "n2", "n3")
	s.final(gone)
	for _, resolver := range []string{"lww", "siblings"} {
		if held, at, why := judge(s.h, resolver).CheckNoResurrection("x"); !held {
			t.Errorf("%s: n2 had not applied the delete: broken at %s: %s", resolver, at, why)
		}
	}
	back := s.reads("C", "n2", shows("a", d(1, 1)))
	for _, resolver := range []string{"lww", "siblings"} {
		if held, at, why := judge(s.h, resolver).CheckNoResurrection("x"); held || at != back || why != "n2 showed a again, which del had deleted" {
			t.Errorf("%s: held %v at %s: %s", resolver, held, at, why)
		}
	}
}

// TestADotThatNobodyGaveBeatsNothing: what a leader shows under a name of its own is a
// contradiction, and no word on who lost.
func TestADotThatNobodyGaveBeatsNothing(t *testing.T) {
	unknown := shows("?", d(9, 9))
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "m", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(write{label: "b", client: "A", leader: "n1", dot: d(1, 3), over: dots(d(1, 2)), after: &unknown})
	s.writes(write{label: "c", client: "B", leader: "n2", dot: d(2, 1)})
	s.final(shows("c", d(2, 1)))
	wantLosses(t, judge(s.h, "lww"), "a concurrent c", "m concurrent c", "b concurrent c")

	s = tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "del", client: "A", leader: "n1", verb: script.OpDelete, dot: d(1, 2), over: dots(d(1, 1)), after: &unknown})
	at := s.reads("A", "n1", shows("a", d(1, 1)))
	s.final(shows("", d(1, 2)))
	if held, when, _ := judge(s.h, "lww").CheckNoResurrection("x"); held || when != at {
		t.Errorf("what n1 deleted it shows again at %s: held %t, at %s", at, held, when)
	}
}

func TestDeleteThatLostResurrectsNothing(t *testing.T) {
	old := shows("a", d(1, 1))
	s := deleted(old)
	s.applied(d(1, 2), "n2")
	s.reads("C", "n2", old)
	s.final(old, "n1")
	if held, at, why := judge(s.h, "lww").CheckNoResurrection("x"); !held {
		t.Errorf("broken at %s: %s", at, why)
	}
}

// TestOverlapMayShowWhatADeleteSaw beside something the delete had not seen.
func TestOverlapMayShowWhatADeleteSaw(t *testing.T) {
	s := deleted(shows("", d(1, 2)))
	s.writes(write{label: "c", client: "C", leader: "n2", dot: d(2, 1)})
	s.applied(d(1, 2), "n2")
	both := history.Reading{Dots: dots(d(1, 1), d(2, 1)), Values: []string{"a", "c"}}
	s.reads("C", "n2", both)
	s.final(both, "n2")
	if held, _, why := judge(s.h, "interval").CheckNoResurrection("x"); !held {
		t.Errorf("interval: %s", why)
	}
	if held, _, _ := judge(s.h, "siblings").CheckNoResurrection("x"); held {
		t.Error("siblings: a had been deleted and was shown")
	}
}

// TestReplyUnderWayResurrectsNothing: the leader applied the delete after the
// read was sent, so it may have answered before.
func TestReplyUnderWayResurrectsNothing(t *testing.T) {
	gone := shows("", d(1, 2))
	s := deleted(gone)
	s.h.Sent(s.tick(), history.Request{ID: "g", Client: "C", Leader: "n2", Key: "x", Verb: script.OpGet})
	s.applied(d(1, 2), "n2", "n3")
	s.h.Shown(s.tick(), history.Read{Request: "g", Client: "C", Leader: "n2", Key: "x", Reading: shows("a", d(1, 1))})
	s.final(gone)
	if held, at, why := judge(s.h, "lww").CheckNoResurrection("x"); !held {
		t.Errorf("broken at %s: %s", at, why)
	}
}
