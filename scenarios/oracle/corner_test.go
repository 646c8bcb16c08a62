package oracle_test

import (
	"testing"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// exact sends w as a write over what its client had been shown.
func (s *story) exact(w write, shown ...uint64) {
	r := w.request()
	r.Exact = true
	for _, seq := range shown {
		r.Shown = append(r.Shown, d(1, seq))
	}
	s.h.Sent(s.tick(), r)
	s.accepted(w)
	s.acked(w)
}

// TestExactWriteIsInvertedByWhatItsClientHadSeen whatever the server admits.
func TestExactWriteIsInvertedByWhatItsClientHadSeen(t *testing.T) {
	s := tell()
	old := shows("a", d(1, 1))
	s.all(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.exact(write{label: "b", client: "B", leader: "n1", dot: d(1, 2), after: &old}, 1)
	s.final(old)
	s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Inverted: 1})
}

func TestLossNamesTheSameSurvivorWhateverTheOrder(t *testing.T) {
	s := threeWay()
	s.final(shows("", d(3, 1), d(2, 1)))
	wantLosses(t, judge(s.h, "interval"), "a concurrent b")
}

func TestWhatIsToldTwiceCountsOnce(t *testing.T) {
	s := tell()
	w := write{label: "a", client: "A", session: true, leader: "n1", dot: d(1, 1)}
	s.writes(w)
	s.accepted(w)
	s.acked(w)
	s.final(shows(""))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 1, Lost: 1, Durability: 1})
	wantNoContradictions(t, v)
	if v.Losses[0].Acked != 3*time.Millisecond {
		t.Errorf("acknowledged at %s, expected the first time", v.Losses[0].Acked)
	}
	wantViolations(t, ordered(1, 2, 3, 2, 1))
}

// TestDeleteAtItsOwnLeaderTakesNoMoreThanItSaw, although the leader's total had
// grown.
func TestDeleteAtItsOwnLeaderTakesNoMoreThanItSaw(t *testing.T) {
	s := tell().all(incr("a", "n1", 1, d(1, 1)), incr("b", "n1", 2, d(1, 2), d(1, 1)))
	s.exact(del("del", "n1", d(1, 3), d(1, 1)), 1)
	s.all(incr("c", "n1", 4, d(1, 4), d(1, 2)))
	s.reads("B", "n1", shows("6", d(1, 4)))
	s.applied(d(1, 3), "n1")
	s.reads("B", "n1", shows("6", d(1, 4)))
	s.final(shows("6", d(1, 4)), "n1")
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 4, Accounted: 4})
	if held, _, why := v.CheckNoResurrection("x"); !held {
		t.Error(why)
	}
}

// TestTotalThatAddsNothingMayOutliveItsDelete: a dot of a counter does not say
// what it still counts.
func TestTotalThatAddsNothingMayOutliveItsDelete(t *testing.T) {
	s := tell().all(add("a", "n1", 0, d(1, 1)), del("del", "n2", d(2, 1), d(1, 1)))
	s.reads("B", "n2", shows("0", d(1, 1)))
	s.final(shows("0", d(1, 1)))
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 2, Accounted: 2})
	if held, _, why := v.CheckNoResurrection("x"); !held {
		t.Error(why)
	}
}

func TestShortCounterBlamesWhatNoSurvivorHasSeen(t *testing.T) {
	s := tell().all(incr("a", "n1", 1, d(1, 1)), incr("b", "n2", 1, d(2, 1)), incr("c", "n3", 1, d(3, 1)))
	s.final(shows("2", d(3, 1)))
	wantLosses(t, judge(s.h, "counter"), "b durability c")
}

func TestCounterNotYetConvergedIsJudgedKindly(t *testing.T) {
	s := tell().all(incr("a", "n2", 1, d(2, 1)))
	s.final(shows(""), "n1", "n3")
	s.final(shows("1", d(2, 1)), "n2")
	s.wantStats(t, "counter", oracle.Stats{Acked: 1, Accounted: 1})
}

func TestDuplicatesMayNotBothBeShown(t *testing.T) {
	s := tell()
	s.unheard(incr("a", "n1", 1, d(1, 1)))
	s.all(incr("a", "n2", 1, d(2, 1)))
	s.reads("B", "n1", shows("1", d(1, 1), d(2, 1)))
	at := s.reads("B", "n1", shows("2", d(1, 1), d(2, 1)))
	s.final(shows("1", d(1, 1), d(2, 1)))
	if held, when, _ := judge(s.h, "counter").CheckNoOvercount("x"); held || when != at {
		t.Errorf("held %v at %s, expected broken at %s", held, when, at)
	}
}

// TestReadingRepeatedIsHeldAgainstWhatIsNew: the same reading was fine before
// the client wrote over it.
func TestReadingRepeatedIsHeldAgainstWhatIsNew(t *testing.T) {
	s := tell()
	old := shows("p", d(2, 1))
	s.all(write{label: "p", client: "P", leader: "n2", dot: d(2, 1)},
		write{label: "u1", client: "A", session: true, leader: "n1", dot: d(1, 1)})
	s.reads("A", "n2", old)
	s.all(write{label: "u2", client: "A", session: true, leader: "n2", dot: d(2, 2), over: dots(d(1, 1), d(2, 1)), after: &old})
	at := s.reads("A", "n2", old)
	held := judge(s.h, "lww").Violations
	if last := held[len(held)-1]; last.At != at || last.Guarantee != script.ReadYourWrites {
		t.Errorf("last violation %+v, expected at %s", last, at)
	}
}

// TestEveryCauseCounts: of two causes the one that came first is still missing.
func TestEveryCauseCounts(t *testing.T) {
	s := tell()
	s.all(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)}, write{label: "p", client: "Z", leader: "n1", dot: d(1, 2), key: "y"})
	s.applied(d(1, 2), "n3")
	s.reads("B", "n1", shows("a", d(1, 1)))
	s.h.Shown(s.tick(), history.Read{Client: "B", Session: true, Leader: "n1", Key: "y", Reading: shows("p", d(1, 2))})
	s.all(write{label: "b", client: "B", session: true, leader: "n1", dot: d(1, 3), key: "z"})
	s.applied(d(1, 3), "n3")
	s.applied(d(1, 1), "n3")
	wantViolations(t, judge(s.h, "lww"), "writes-follow-reads B 13ms")
}

func TestOthersDoNotBreakASession(t *testing.T) {
	s := tell()
	s.all(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)}, write{label: "b", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.reads("B", "n1", shows("b", d(1, 2)))
	s.h.Shown(s.tick(), history.Read{Client: "A", Leader: "n2", Key: "x", Reading: shows("a", d(1, 1))})
	if v := judge(s.h, "lww"); v.Session != oracle.SessionKept || len(v.Violations) != 2 {
		t.Errorf("session %q, violations %+v", v.Session, v.Violations)
	}
}

func TestLedgerRowOfAnotherKey(t *testing.T) {
	s := threeWay()
	s.final(shows("b", d(2, 1)))
	rows := []oracle.LedgerRow{row(d(1, 2), "concurrent"), row(d(3, 1), "concurrent"), {Key: "y", Dot: d(1, 2), Class: "concurrent"}}
	wantDifferences(t, judge(s.h, "lww").Agree(map[string][]oracle.LedgerRow{"n1": rows}),
		"n1: the ledger holds 0000000000000001-2 of y as concurrent; no write of that key was accepted under that dot")
}
