package oracle_test

import (
	"math"
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// incr is an increment by n.
func incr(label, leader string, n int64, dot logical.Dot, over ...logical.Dot) write {
	return write{label: label, client: "C" + leader, leader: leader, verb: script.OpIncr, delta: n, dot: dot, over: over}
}

// add is a set that the acknowledgement says added n.
func add(label, leader string, n int64, dot logical.Dot, over ...logical.Dot) write {
	w := incr(label, leader, n, dot, over...)
	w.verb = script.OpSet
	return w
}

func del(label, leader string, dot logical.Dot, over ...logical.Dot) write {
	return write{label: label, client: "C" + leader, leader: leader, verb: script.OpDelete, dot: dot, over: over, after: &history.Reading{}}
}

func (s *story) all(ws ...write) *story {
	for _, w := range ws {
		s.writes(w)
	}
	return s
}

func TestCounterAddsUp(t *testing.T) {
	three := func() *story {
		return tell().all(incr("a", "n1", 1, d(1, 1)), incr("b", "n2", 1, d(2, 1)), incr("c", "n3", 1, d(3, 1)))
	}
	cases := []struct {
		name  string
		story *story
		final history.Reading
		want  oracle.Stats
		lost  []string
	}{
		{"three at once", three(), shows("3", d(1, 1), d(2, 1), d(3, 1)), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"one counted twice", three(), shows("4", d(1, 1), d(2, 1), d(3, 1)), oracle.Stats{Acked: 3, Accounted: 3, Overcounted: 1}, nil},
		{"one missing, and its dot too", three(), shows("2", d(1, 1), d(3, 1)),
			oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Durability: 1}, []string{"b durability a"}},
		{"one missing, its dot there: the newest is blamed", three(), shows("2", d(1, 1), d(2, 1), d(3, 1)),
			oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Durability: 1}, []string{"c durability a"}},
		{"absent counts as zero", three(), shows(""), oracle.Stats{Acked: 3, Lost: 3, Durability: 3}, []string{"a durability ", "b durability ", "c durability "}},
		{"overcount in updates", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n1", 5, d(1, 2), d(1, 1))), shows("20", d(1, 2)),
			oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 2}, nil},
		{"overcount of no whole number of updates", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n1", 5, d(1, 2), d(1, 1))), shows("13", d(1, 2)),
			oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 3}, nil},
		{"overcount where one adds nothing", tell().all(incr("a", "n1", 0, d(1, 1)), incr("b", "n1", 5, d(1, 2), d(1, 1))), shows("10", d(1, 2)),
			oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 5}, nil},
		{"what adds nothing is not missing", tell().all(incr("a", "n1", 1, d(1, 1)), incr("b", "n2", 0, d(2, 1))), shows("1", d(1, 1)),
			oracle.Stats{Acked: 2, Accounted: 2}, nil},
		{"what adds nothing is not blamed", tell().all(incr("a", "n1", 2, d(1, 1)), incr("b", "n2", 0, d(2, 1))), shows("", d(1, 1), d(2, 1)),
			oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1}, []string{"a durability b"}},
		{"what takes away is not blamed", tell().all(incr("a", "n1", 2, d(1, 1)), incr("b", "n2", -1, d(2, 1))), shows("-1", d(1, 1), d(2, 1)),
			oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1}, []string{"a durability b"}},
		{"what was deleted is not blamed", tell().all(incr("a", "n1", 2, d(1, 1)), incr("b", "n2", 2, d(2, 1)), del("del", "n1", d(1, 2), d(2, 1))),
			shows("", d(1, 1), d(1, 2)), oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Durability: 1}, []string{"a durability del"}},
		{"what was deleted is not missing", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n2", -2, d(2, 1)), del("del", "n1", d(1, 2), d(1, 1)), incr("c", "n3", 1, d(3, 1))),
			shows("1", d(3, 1)), oracle.Stats{Acked: 4, Accounted: 3, Lost: 1, Durability: 1}, []string{"b durability c"}},
		{"a delete of one, undone", tell().all(incr("a", "n1", 1, d(1, 1)), del("del", "n1", d(1, 2), d(1, 1))),
			shows("1", d(1, 1)), oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Resurrected: 1}, []string{"del resurrected a"}},
		{"overcount in units", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n1", 3, d(1, 2), d(1, 1))), shows("17", d(1, 2)),
			oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 9}, nil},
		{"a lost decrement is lost, not overcounted", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n2", -2, d(2, 1))), shows("5", d(1, 1)),
			oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1}, []string{"b durability a"}},
		{"sets add what they say", tell().all(incr("a", "n1", 5, d(1, 1)), add("s", "n1", 5, d(1, 2), d(1, 1)), incr("b", "n2", 1, d(2, 1))),
			shows("11", d(1, 2), d(2, 1)), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"additions apart that leave 64 bits", tell().all(incr("a", "n1", math.MaxInt64, d(1, 1)), incr("b", "n2", math.MaxInt64, d(2, 1)), incr("c", "n3", 5, d(3, 1))),
			shows("9223372036854775807", d(1, 1), d(2, 1), d(3, 1)), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"a sum below 64 bits", tell().all(incr("a", "n1", math.MinInt64, d(1, 1)), incr("b", "n2", -1, d(2, 1))),
			shows("-9223372036854775808", d(1, 1), d(2, 1)), oracle.Stats{Acked: 2, Accounted: 2}, nil},
		{"a delete takes what it had seen", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n2", 1, d(2, 1)), del("del", "n1", d(1, 2), d(1, 1))),
			shows("1", d(2, 1)), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"a delete takes all that went into the total it saw",
			tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n1", 2, d(1, 2)), del("del", "n1", d(1, 3), d(1, 2)), incr("c", "n1", 1, d(1, 4))),
			shows("1", d(1, 4)), oracle.Stats{Acked: 4, Accounted: 4}, nil},
		{"a delete undone", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n2", 1, d(2, 1)), del("del", "n1", d(1, 2), d(1, 1))),
			shows("6", d(1, 1), d(2, 1)), oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Resurrected: 1}, []string{"del resurrected a"}},
		{"a delete of a part of a total", tell().all(incr("a", "n1", 5, d(1, 1)), incr("b", "n1", 2, d(1, 2), d(1, 1)), del("del", "n2", d(2, 1), d(1, 1))),
			shows("2", d(1, 2)), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"a delete of a part of a total, not taken away", tell().all(incr("a", "n1", 2, d(1, 1)), incr("b", "n1", 2, d(1, 2), d(1, 1)), del("del", "n2", d(2, 1), d(1, 1))),
			shows("4", d(1, 2)), oracle.Stats{Acked: 3, Accounted: 3, Overcounted: 1}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.story.final(c.final)
			v := c.story.wantStats(t, "counter", c.want)
			wantLosses(t, v, c.lost...)
			wantNoContradictions(t, v)
		})
	}
}

// TestDuplicateIncrementsCountOnce, with the smaller dot's amount when a set added
// different amounts at its two leaders.
func TestDuplicateIncrementsCountOnce(t *testing.T) {
	duplicates := func(value string) *oracle.Judgement {
		s := tell().all(incr("a", "n2", 3, d(2, 1)))
		s.unheard(add("u", "n2", 7, d(2, 2), d(2, 1)))
		retry := add("u", "n1", 10, d(1, 1))
		s.all(retry)
		s.final(shows(value, d(1, 1), d(2, 2)))
		return judge(s.h, "counter")
	}
	if v := duplicates("13"); v.Stats != (oracle.Stats{Acked: 2, Accounted: 2}) {
		t.Errorf("13 is right: %+v", v.Stats)
	}
	if v := duplicates("20"); v.Stats != (oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 7}) {
		t.Errorf("20 counts both: %+v", v.Stats)
	}
}

func TestCounterDoesNotBlameWhatWasNotPromised(t *testing.T) {
	s := tell().all(incr("a", "n1", 1, d(1, 1)))
	s.unheard(incr("b", "n2", 1, d(2, 1)))
	s.final(shows("1", d(1, 1)))
	s.wantStats(t, "counter", oracle.Stats{Acked: 1, Accounted: 1})
	s.final(shows("1", d(1, 1), d(2, 1)))
	s.wantStats(t, "counter", oracle.Stats{Acked: 1, Accounted: 1})
	s.all(incr("c", "n3", 1, d(3, 1)))
	s.final(shows("2", d(1, 1), d(2, 1), d(3, 1)))
	s.wantStats(t, "counter", oracle.Stats{Acked: 2, Accounted: 2})
}

// TestCounterDeleteThatNeverArrived: other leaders never had the delete, so what
// it had seen still counts, although its dots are no longer shown.
func TestCounterDeleteThatNeverArrived(t *testing.T) {
	s := tell().all(incr("a", "n2", 5, d(2, 1)))
	s.applied(d(2, 1), "n1", "n3")
	s.all(del("del", "n1", d(1, 1), d(2, 1)))
	s.all(incr("b", "n2", 1, d(2, 2), d(2, 1)))
	s.applied(d(2, 2), "n1", "n3")
	s.final(shows("6", d(2, 2)))
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Resurrected: 1})
	wantLosses(t, v, "del resurrected b")
}

func TestCounterThatCannotBeRight(t *testing.T) {
	s := tell().all(incr("a", "n1", 5, d(1, 1)))
	s.final(shows("3", d(1, 1)), "n1")
	wantContradictions(t, judge(s.h, "counter"), "miscount 3ms: at the end 2 is missing that no set of updates makes up")
	s.final(shows("4", d(1, 1)), "n1")
	wantContradictions(t, judge(s.h, "counter"), "miscount 3ms: at the end 1 is missing that no set of updates makes up")
	s.final(shows("five", d(1, 1)), "n1")
	wantContradictions(t, judge(s.h, "counter"), `miscount 3ms: at the end n1 shows ["five"], which is no number`)
}

func TestLeaderMustAddWhatWasAsked(t *testing.T) {
	s := tell()
	w := incr("a", "n1", 5, d(1, 1))
	s.sent(w)
	w.delta = 6
	s.accepted(w)
	s.acked(w)
	s.final(shows("5", d(1, 1)))
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 1, Accounted: 1})
	wantContradictions(t, v, "miscount 2ms: n1 says that a added 6, and 5 was asked for")
}

// TestAnIncrementAddsWhatWasAsked: a leader that says that it added more, and shows it,
// shows the wrong number.
func TestAnIncrementAddsWhatWasAsked(t *testing.T) {
	s := tell()
	s.h.Sent(s.tick(), history.Request{ID: "r", Client: "A", Leader: "n1", Key: "x", Verb: script.OpIncr, Delta: 5, Valued: true})
	s.h.Accepted(s.tick(), "n1", "r", history.Acceptance{Dot: d(1, 1), Delta: 6, After: shows("6", d(1, 1))})
	s.final(shows("5", d(1, 1)))
	wantContradictions(t, judge(s.h, "counter"), "miscount 2ms: n1 says that r added 6, and 5 was asked for",
		`misshown 2ms: n1 showed right after r ["6"] of x for r, which is ["5"]`)
}

// TestCounterThatDiffersIsJudgedByTheNearest, by the first of two that are as near,
// where nobody says who has what.
func TestCounterThatDiffersIsJudgedByTheNearest(t *testing.T) {
	for _, c := range []struct {
		n1, n2 string
		want   oracle.Stats
	}{
		{"9", "3", oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 1}},
		{"3", "8", oracle.Stats{Acked: 2, Accounted: 2}},
		{"4", "12", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1}},
		{"12", "4", oracle.Stats{Acked: 2, Accounted: 2, Overcounted: 1}},
	} {
		s := tell().all(incr("a", "n3", 4, d(3, 1)), incr("b", "n3", 4, d(3, 2)))
		s.at("n1", shows(c.n1, d(3, 2))).at("n2", shows(c.n2, d(3, 2)))
		s.wantStats(t, "counter", c.want)
	}
}

// TestADeletionThatSomeLackAndNothingContradicts: what it had deleted is nowhere.
func TestADeletionThatSomeLackAndNothingContradicts(t *testing.T) {
	s := tell().all(incr("a", "n1", 5, d(1, 1)), del("del", "n1", d(1, 2), d(1, 1)), incr("b", "n2", 1, d(2, 1)))
	s.applied(d(2, 1), "n1")
	s.final(shows("1", d(2, 1)), "n1", "n2")
	s.wantStats(t, "counter", oracle.Stats{Acked: 3, Accounted: 3})
}

func TestNoOvercountNamesTheFirstReadingThatCannotBe(t *testing.T) {
	s := tell().all(incr("a", "n1", 1, d(1, 1)))
	s.reads("B", "n2", shows("1", d(1, 1)))
	at := s.reads("B", "n2", shows("2", d(1, 1)))
	s.all(incr("b", "n1", 1, d(1, 2), d(1, 1)))
	s.final(shows("2", d(1, 2)))
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 2, Accounted: 2})
	held, when, why := v.CheckNoOvercount("x")
	if held || when != at || why != "n2 showed 2, and at most 1 had been added" {
		t.Errorf("held %v at %s: %s", held, when, why)
	}
	if held, _, _ := judge(s.h, "lww").CheckNoOvercount("x"); !held {
		t.Error("only counters overcount")
	}
}

func TestNoOvercountAtTheEnd(t *testing.T) {
	s := tell().all(incr("a", "n1", 1, d(1, 1)))
	s.final(shows("2", d(1, 1)))
	held, at, why := judge(s.h, "counter").CheckNoOvercount("x")
	if held || at != 3*time.Millisecond || why != "at the end x shows 1 too many" {
		t.Errorf("held %v at %s: %s", held, at, why)
	}
}

// retriedAndDeleted is an addition that two leaders accepted, and a delete at n1 that
// has seen what n1 made of it, and what else n1 knew.
func retriedAndDeleted() *story {
	s := tell()
	again := incr("a", "n2", 3, d(2, 1))
	again.client = "Cn1"
	s.unheard(incr("a", "n1", 3, d(1, 1)))
	s.all(again, incr("b", "n2", 4, d(2, 2), d(2, 1)), del("gone", "n1", d(1, 2), d(1, 1)))
	return s
}

// TestRetriedAdditionGoesAsAWhole: a delete that has seen one of its dots takes it away
// under both, and nothing else with it.
func TestRetriedAdditionGoesAsAWhole(t *testing.T) {
	cases := []struct {
		value string
		want  oracle.Stats
		lost  []string
	}{
		{"4", oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"7", oracle.Stats{Acked: 3, Accounted: 3, Overcounted: 3}, nil},
		{"0", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Durability: 1}, []string{"b durability gone"}},
	}
	for _, c := range cases {
		s := retriedAndDeleted()
		s.final(shows(c.value, d(2, 2), d(1, 2)))
		v := s.wantStats(t, "counter", c.want)
		wantLosses(t, v, c.lost...)
		held, _, why := v.CheckNoOvercount("x")
		if held != (c.want.Overcounted == 0) {
			t.Errorf("shows %s: no overcount held %v: %s", c.value, held, why)
		}
	}
}

// TestDeleteTakesWhatItHadSeenOfARetriedAddition: what the same origin added after
// that stays, and so does what was added before it elsewhere.
func TestDeleteTakesWhatItHadSeenOfARetriedAddition(t *testing.T) {
	s := tell()
	again := incr("a", "n2", 3, d(2, 2), d(2, 1))
	again.client = "Cn1"
	s.all(incr("first", "n2", 1, d(2, 1)))
	s.unheard(incr("a", "n1", 3, d(1, 1)))
	s.all(again, del("gone", "n1", d(1, 2), d(1, 1)), incr("late", "n1", 5, d(1, 3), d(1, 2)))
	s.final(shows("6", d(1, 3), d(2, 2), d(1, 2)))
	wantNoContradictions(t, s.wantStats(t, "counter", oracle.Stats{Acked: 4, Accounted: 4}))
}

// TestRetriedDeleteTakesWhatEachOfItsOpsHadSeen.
func TestRetriedDeleteTakesWhatEachOfItsOpsHadSeen(t *testing.T) {
	s := tell()
	s.all(incr("a", "n1", 1, d(1, 1)), incr("b", "n2", 2, d(2, 1)), incr("c", "n3", 4, d(3, 1)))
	again := del("gone", "n2", d(2, 2), d(2, 1))
	again.client = "Cn1"
	s.unheard(del("gone", "n1", d(1, 2), d(1, 1)))
	s.writes(again)
	s.final(shows("4", d(3, 1), d(1, 2), d(2, 2)))
	s.wantStats(t, "counter", oracle.Stats{Acked: 4, Accounted: 4})
	s.final(shows("7", d(1, 1), d(2, 1), d(3, 1)))
	wantLosses(t, judge(s.h, "counter"), "gone resurrected a")
}
