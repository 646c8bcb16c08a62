package oracle_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// figure is DDIA figure 8-3: B increments what A set, and its stamp is smaller.
func figure(w2 history.Reading) *story {
	s := tell()
	s.writes(write{label: "w1", client: "A", leader: "n1", dot: d(1, 1)})
	s.applied(d(1, 1), "n3")
	s.writes(write{label: "w2", client: "B", leader: "n3", session: true, verb: script.OpIncr, delta: 1, dot: d(3, 1), over: dots(d(1, 1)), after: &w2})
	s.applied(d(3, 1), "n2", "n1")
	s.applied(d(1, 1), "n2")
	return s
}

func TestFigureLosesTheLaterWriteAsInverted(t *testing.T) {
	s := figure(shows("1", d(1, 1)))
	s.final(shows("1", d(1, 1)))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Inverted: 1})
	wantLosses(t, v, "w2 inverted w1")
	wantNoContradictions(t, v)
	if v.Session != oracle.SessionBroken || !v.Converged || v.Siblings != 1 {
		t.Errorf("session %q, converged %v, siblings %d", v.Session, v.Converged, v.Siblings)
	}
	if l := v.Losses[0]; l.Acked != 7*time.Millisecond || !slices.Equal(l.Dots, history.Texts(dots(d(3, 1)))) || l.Client != "B" || l.Key != "x" {
		t.Errorf("loss %+v", l)
	}
}

func TestFigureIsAccountedWhereTheLaterWriteWins(t *testing.T) {
	s := figure(shows("2", d(3, 1)))
	s.final(shows("2", d(3, 1)))
	v := s.wantStats(t, "lamport", oracle.Stats{Acked: 2, Accounted: 2})
	if v.Session != oracle.SessionKept || len(v.Losses) != 0 {
		t.Errorf("session %q, losses %+v", v.Session, v.Losses)
	}
	wantNoContradictions(t, v)
}

// threeWay is three clients who read w0 and each write at their own leader.
func threeWay() *story {
	s := tell()
	s.writes(write{label: "w0", client: "A", leader: "n1", dot: d(1, 1)})
	s.applied(d(1, 1), "n2", "n3")
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1), over: dots(d(1, 1))})
	s.writes(write{label: "c", client: "C", leader: "n3", dot: d(3, 1), over: dots(d(1, 1))})
	s.applied(d(1, 2), "n2", "n3")
	s.applied(d(2, 1), "n1", "n3")
	s.applied(d(3, 1), "n1", "n2")
	return s
}

func TestThreeWayLosesTwoConcurrent(t *testing.T) {
	s := threeWay()
	s.final(shows("b", d(2, 1)))
	v := s.wantStats(t, "hlc", oracle.Stats{Acked: 4, Accounted: 2, Lost: 2, Concurrent: 2})
	wantLosses(t, v, "a concurrent b", "c concurrent b")
}

func TestThreeWayKeepsThreeSiblings(t *testing.T) {
	s := threeWay()
	s.final(history.Reading{Dots: dots(d(3, 1), d(1, 2), d(2, 1)), Values: []string{"c", "a", "b"}}, "n1")
	s.final(history.Reading{Dots: dots(d(1, 2), d(2, 1), d(3, 1)), Values: []string{"a", "b", "c"}}, "n2", "n3")
	v := s.wantStats(t, "siblings", oracle.Stats{Acked: 4, Accounted: 4})
	if v.Siblings != 3 || !v.Converged {
		t.Errorf("siblings %d, converged %v, expected 3 and true", v.Siblings, v.Converged)
	}
}

func TestUpdateSeenOnlyByALostOneIsLostToo(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "a2", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.applied(d(1, 1), "n2")
	s.applied(d(1, 2), "n2")
	s.applied(d(2, 1), "n1")
	s.final(shows("b", d(2, 1)), "n1", "n2")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Concurrent: 2})
	wantLosses(t, v, "a concurrent b", "a2 concurrent b")
}

func TestUnacknowledgedUpdatesAreNodesAndNotCounted(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.unheard(write{label: "b", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(write{label: "c", client: "C", leader: "n1", dot: d(1, 3), over: dots(d(1, 2))})
	s.unheard(write{label: "e", client: "C", leader: "n2", dot: d(2, 1)})
	s.final(shows("c", d(1, 3)))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 2})
	wantLosses(t, v)
}

func TestExactWritesGoOverWhatTheClientWasShown(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	w := write{label: "c", client: "C", leader: "n2", dot: d(2, 2), over: dots(d(1, 1))}
	r := w.request()
	r.Exact, r.Shown = true, dots(d(1, 1))
	s.h.Sent(s.tick(), r)
	s.accepted(w)
	s.acked(w)
	s.final(shows("c", d(2, 2)))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Concurrent: 1})
	wantLosses(t, v, "b concurrent c")
	wantNoContradictions(t, v)
}

func TestServerMayNotClaimWhatAnExactAuthorWasNotShown(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	w := write{label: "b", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))}
	r := w.request()
	r.Exact = true
	s.h.Sent(s.tick(), r)
	s.accepted(w)
	s.acked(w)
	s.final(shows("b", d(1, 2)))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Concurrent: 1})
	wantContradictions(t, v, "unshown 5ms: n1 says that the author of b had seen a, which it was never shown")
}

func TestMissingIsDurabilityEvenWhereOthersSurvive(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(write{label: "c", client: "B", leader: "n2", dot: d(2, 1)})
	s.applied(d(2, 1), "n3", "n1")
	s.final(shows("c", d(2, 1)))
	for _, resolver := range []string{"lww", "interval", "siblings"} {
		v := s.wantStats(t, resolver, oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Durability: 2})
		wantLosses(t, v, "a durability c", "b durability c")
	}
}

func TestNothingLeftIsDurability(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.final(shows(""))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 1, Lost: 1, Durability: 1})
	wantLosses(t, v, "a durability ")
}

func TestOnlyThePastLeftIsDurability(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.final(shows("a", d(1, 1)))
	s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1})
	s.wantStats(t, "siblings", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1})
}

// deleted is a set and a delete that saw it.
func deleted(after history.Reading) *story {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "del", client: "B", leader: "n1", verb: script.OpDelete, dot: d(1, 2), over: dots(d(1, 1)), after: &after})
	return s
}

func TestDeleteLeavesNothingBehind(t *testing.T) {
	s := deleted(shows(""))
	s.final(shows(""))
	s.wantStats(t, "siblings", oracle.Stats{Acked: 2, Accounted: 2})
	s = deleted(shows("", d(1, 2)))
	s.final(shows("", d(1, 2)))
	s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 2})
}

func TestDeleteUndoneIsResurrected(t *testing.T) {
	for _, resolver := range []string{"lww", "siblings", "causal"} {
		s := deleted(shows("", d(1, 2)))
		s.final(shows("a", d(1, 1)))
		v := s.wantStats(t, resolver, oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Resurrected: 1})
		wantLosses(t, v, "del resurrected a")
		held, at, why := v.CheckNoResurrection("x")
		if held || at != 6*time.Millisecond || why == "" {
			t.Errorf("%s: no-resurrection: held %v at %s: %q", resolver, held, at, why)
		}
	}
}

func TestDeleteBeatenOnAcceptanceIsInverted(t *testing.T) {
	s := deleted(shows("a", d(1, 1)))
	s.final(shows("a", d(1, 1)))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Inverted: 1})
	wantLosses(t, v, "del inverted a")
}

// TestDeleteAgainstUpdate: of a concurrent delete and update a stamp keeps one;
// siblings knows both.
func TestDeleteAgainstUpdate(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.applied(d(1, 1), "n2")
	s.writes(write{label: "u", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	gone := shows("", d(2, 1))
	s.writes(write{label: "del", client: "B", leader: "n2", verb: script.OpDelete, dot: d(2, 1), over: dots(d(1, 1)), after: &gone})
	s.applied(d(1, 2), "n2")
	s.applied(d(2, 1), "n1")
	s.final(gone, "n1", "n2")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Concurrent: 1})
	wantLosses(t, v, "u concurrent del")
	s.final(shows("u", d(1, 2)), "n1", "n2")
	v = s.wantStats(t, "siblings", oracle.Stats{Acked: 3, Accounted: 3})
	wantNoContradictions(t, v)
	v = s.wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Concurrent: 1})
	wantLosses(t, v, "del concurrent u")
}

func TestUndoneDeleteAccountsForNobody(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "A", leader: "n2", dot: d(2, 1)})
	s.writes(write{label: "del", client: "B", leader: "n1", verb: script.OpDelete, dot: d(1, 2), over: dots(d(1, 1), d(2, 1)), after: &history.Reading{}})
	s.final(shows("a", d(1, 1)))
	v := s.wantStats(t, "siblings", oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Durability: 1, Resurrected: 1})
	wantLosses(t, v, "b durability a", "del resurrected a")
}

func TestTwoDotsOfOneRequestAreOneUpdate(t *testing.T) {
	s := tell()
	s.writes(write{label: "p", client: "P", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "q", client: "Q", leader: "n2", dot: d(2, 1)})
	first := write{label: "u", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))}
	retry := write{label: "u", client: "A", leader: "n2", dot: d(2, 2), over: dots(d(2, 1))}
	s.unheard(first)
	s.sent(retry)
	s.accepted(retry)
	s.acked(retry)
	s.applied(d(1, 1), "n2")
	s.applied(d(2, 1), "n1")
	s.final(shows("u", d(1, 2)), "n1", "n2")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 3})
	wantNoContradictions(t, v)
}

// TestDuplicateIsInvertedOnlyIfBeatenEverywhere: one leader showed the update, so it
// was not beaten on acceptance everywhere.
func TestDuplicateIsInvertedOnlyIfBeatenEverywhere(t *testing.T) {
	for _, shownAtSecond := range []bool{true, false} {
		s := tell()
		old := shows("p", d(1, 1))
		s.writes(write{label: "p", client: "P", leader: "n1", dot: d(1, 1)})
		s.applied(d(1, 1), "n2")
		s.writes(write{label: "s", client: "S", leader: "n3", dot: d(3, 1)})
		s.unheard(write{label: "u", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1)), after: &old})
		retry := write{label: "u", client: "A", leader: "n2", dot: d(2, 1), over: dots(d(1, 1)), after: &old}
		want, class := oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Inverted: 1, Concurrent: 1}, "u inverted s"
		if shownAtSecond {
			retry.after = nil
			want, class = oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Concurrent: 2}, "u concurrent s"
		}
		s.sent(retry)
		s.accepted(retry)
		s.acked(retry)
		s.final(shows("s", d(3, 1)), "n1")
		v := judge(s.h, "lww")
		if v.Stats != want {
			t.Errorf("shown at second %v: %+v, expected %+v", shownAtSecond, v.Stats, want)
		}
		wantLosses(t, v, "p concurrent s", class)
	}
}

func TestSurvivalSomewhereIsSurvivalBeforeConvergence(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.final(shows("a", d(1, 1)), "n1")
	s.final(shows("b", d(2, 1)), "n2")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 2})
	if v.Converged {
		t.Error("leaders differ and were found converged")
	}
	held, _, why := v.CheckConverged()
	if held || why != `leaders differ on x: n1 ["a"], n2 ["b"]` {
		t.Errorf("held %v: %s", held, why)
	}
}

func TestEqualValuesOfDifferentWritesAreNotConverged(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.final(shows("1", d(1, 1)), "n1")
	s.final(shows("1", d(2, 1)), "n2")
	if judge(s.h, "lww").Converged {
		t.Error("different dots were found converged")
	}
}

func TestKeysAreJudgedApartAndEachByItsResolver(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1), key: "c:1", verb: script.OpIncr, delta: 2})
	s.writes(write{label: "b", client: "A", leader: "n1", dot: d(1, 2)})
	s.h.Final("n1", "c:1", shows("4", d(1, 1)))
	s.h.Final("n1", "x", shows("b", d(1, 2)))
	v := oracle.Judge(s.h, func(key string) string {
		if key == "c:1" {
			return "counter"
		}
		return "lww"
	})
	want := []oracle.KeyStats{
		{Key: "c:1", Stats: oracle.Stats{Acked: 1, Accounted: 1, Overcounted: 1}, Siblings: 1, Converged: true},
		{Key: "x", Stats: oracle.Stats{Acked: 1, Accounted: 1}, Siblings: 1, Converged: true},
	}
	if !reflect.DeepEqual(v.Keys, want) {
		t.Errorf("keys %+v, expected %+v", v.Keys, want)
	}
}

// TestInvertedIsBlamedOnWhatItWasBasedOn, where something else survives as well.
func TestInvertedIsBlamedOnWhatItWasBasedOn(t *testing.T) {
	s := tell()
	s.writes(write{label: "s", client: "S", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "p", client: "P", leader: "n2", dot: d(2, 1)})
	old := shows("p", d(2, 1))
	s.writes(write{label: "u", client: "U", leader: "n2", dot: d(2, 2), over: dots(d(2, 1)), after: &old})
	s.final(shows("s", d(1, 1)), "n1")
	s.final(old, "n2")
	wantLosses(t, judge(s.h, "lww"), "u inverted p")
}

// TestMissingIsSaidOnlyOnceLeadersAgree: until then what a leader lacks may
// still come.
func TestMissingIsSaidOnlyOnceLeadersAgree(t *testing.T) {
	s := tell()
	s.writes(write{label: "u", client: "A", leader: "n2", dot: d(2, 1)})
	s.writes(write{label: "s", client: "B", leader: "n3", dot: d(3, 1)})
	s.applied(d(2, 1), "n3")
	s.applied(d(3, 1), "n2")
	s.writes(write{label: "z", client: "C", leader: "n1", dot: d(1, 1)})
	s.final(shows("z", d(1, 1)), "n1")
	s.final(shows("s", d(3, 1)), "n2", "n3")
	wantLosses(t, judge(s.h, "lww"), "u concurrent z")
}

// TestWhatClocksPutBeforeItsOwnPastIsInverted: under interval a version that has
// been overwritten may be shown again, when the clocks put all that followed
// wholly before it. What fell to it had seen it, though on its acceptance something
// else was still shown.
func TestWhatClocksPutBeforeItsOwnPastIsInverted(t *testing.T) {
	told := func() *story {
		s := tell()
		s.writes(write{label: "bar", client: "A", leader: "n1", dot: d(1, 1)})
		s.writes(write{label: "x", client: "A", leader: "n1", dot: d(1, 2)})
		other := shows("x", d(1, 2))
		s.writes(write{label: "u", client: "B", leader: "n1", dot: d(1, 3), over: dots(d(1, 1)), after: &other})
		s.final(shows("bar", d(1, 1)), "n1")
		return s
	}
	v := told().wantStats(t, "interval", oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Inverted: 1, Concurrent: 1})
	for _, class := range []string{"inverted", "concurrent"} {
		wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 2), "concurrent"), row(d(1, 3), class)}}))
	}
	told().wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 1, Lost: 2, Durability: 1, Concurrent: 1})
}
