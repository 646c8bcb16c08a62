package oracle_test

import (
	"testing"

	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
)

// perished is a write that n1 and n2 both had, and lost with their disks, and one
// that came later. Without word of the disks it would seem beaten.
func perished(told bool) *story {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.applied(d(1, 1), "n2")
	if told {
		s.h.DiskLost(s.tick(), "n1")
		s.h.DiskLost(s.tick(), "n2")
	}
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.applied(d(2, 1), "n1")
	s.final(shows("b", d(2, 1)))
	return s
}

func TestWhatWentWithEveryDiskIsNotBeaten(t *testing.T) {
	v := perished(true).wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1})
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": nil, "n2": nil}))
	perished(false).wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Concurrent: 1})
}

// What a leader fetches again after losing its disk it holds again.
func TestWhatComesBackMayBeBeaten(t *testing.T) {
	s := perished(true)
	s.applied(d(1, 1), "n1", "n2")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Concurrent: 1})
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 1), "concurrent")}, "n2": {row(d(1, 1), "concurrent")}}))
}

// A delete that went with its disk undoes nothing and is undone by nothing: what
// it had deleted is rightly there.
func TestDeleteThatPerishedIsNotUndone(t *testing.T) {
	for _, resolver := range []string{"siblings", "lamport", "counter"} {
		s := tell()
		s.writes(add("a", "n2", 1, d(2, 1)))
		s.applied(d(2, 1), "n1")
		s.writes(del("gone", "n1", d(1, 1), d(2, 1)))
		s.h.DiskLost(s.tick(), "n1")
		s.applied(d(2, 1), "n1")
		s.reads("A", "n1", shows("1", d(2, 1)))
		s.final(shows("1", d(2, 1)))
		v := s.wantStats(t, resolver, oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1})
		if held, _, why := v.CheckNoResurrection("x"); !held {
			t.Errorf("%s: %s", resolver, why)
		}
	}
}

// An increment that perished is not among what the sum must be made of.
func TestSumWithoutWhatPerished(t *testing.T) {
	s := tell()
	s.writes(add("a", "n1", 5, d(1, 1)))
	s.h.DiskLost(s.tick(), "n1")
	s.writes(add("b", "n1", 2, d(3, 1)))
	s.final(shows("2", d(3, 1)))
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1})
	wantLosses(t, v, "a durability b")
	wantNoContradictions(t, v)
}

// What perished is not among what there can be, either.
func TestSumThatIsMoreThanWhatIsLeft(t *testing.T) {
	s := tell()
	s.writes(incr("a", "n1", 5, d(1, 1)))
	s.h.DiskLost(s.tick(), "n1")
	s.writes(incr("b", "n1", 5, d(3, 1)))
	s.applied(d(3, 1), "n2")
	s.final(shows("10", d(3, 1)))
	v := s.wantStats(t, "counter", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Durability: 1, Overcounted: 1})
	wantLosses(t, v, "a durability b")
}

// lostOnce is a request that n1 accepted and lost with its disk, and n2 has; and what
// told adds before that.
func lostOnce(first, again write, told func(s *story)) *story {
	s := tell()
	first.client, again.client = "C", "C"
	s.all(incr("other", "n2", 1, d(2, 1)))
	s.unheard(first)
	told(s)
	s.h.DiskLost(s.tick(), "n1")
	s.writes(again)
	s.applied(d(2, 1), "n1", "n3")
	s.applied(d(2, 2), "n1", "n3")
	s.applied(d(3, 1), "n1", "n2")
	return s
}

// Of a request that was accepted twice, only what is left of it adds and takes away.
func TestSumOfWhatIsLeftOfARetry(t *testing.T) {
	nothing := func(*story) {}
	for name, c := range map[string]struct {
		story *story
		final history.Reading
		acked int
	}{
		"a set adds what the leader that has it says": {
			lostOnce(add("u", "n1", 10, d(1, 1)), add("u", "n2", 7, d(2, 2)), nothing), shows("8", d(2, 2)), 2},
		"a deletion takes what those who have it had seen": {
			lostOnce(del("u", "n1", d(1, 1), d(2, 1)), del("u", "n2", d(2, 2)), nothing), shows("1", d(2, 1), d(2, 2)), 2},
		"a deletion of what is gone takes nothing else": {
			lostOnce(incr("u", "n1", 3, d(1, 1)), incr("u", "n2", 3, d(2, 2)), func(s *story) { s.writes(del("gone", "n3", d(3, 1), d(1, 1))) }),
			shows("4", d(2, 2)), 3},
	} {
		c.story.final(c.final)
		if v := judge(c.story.h, "counter"); v.Stats != (oracle.Stats{Acked: c.acked, Accounted: c.acked}) {
			t.Errorf("%s: %+v, losses %+v", name, v.Stats, v.Losses)
		}
	}
}

// A write that its leader had stored, and died before it could show anything: it
// is lost, and whether it was beaten on acceptance nobody can say.
func TestUnseenAcceptanceMayBeEitherInTheLedger(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	b := write{label: "b", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))}
	s.sent(b)
	s.h.Accepted(s.tick(), "n1", "r-b", history.Acceptance{Dot: b.dot, Over: b.over, Unseen: true})
	s.h.Acked(s.tick(), "r-b", "n1", shows("a", d(1, 1)))
	s.final(shows("a", d(1, 1)), "n1")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Inverted: 1})
	for _, class := range []string{"inverted", "concurrent"} {
		wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 2), class)}}))
	}
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": nil}),
		"n1: the oracle finds b (0000000000000001-2) inverted; the ledger does not hold it")
}

// Two requests are written over each other at a leader that then loses its disk, and
// again, blindly, at another. What the one had seen of the other nobody knows any
// more, so a ledger may rightly hold as lost what the oracle accounts for.
func TestDotThatPerishedAccountsForNothing(t *testing.T) {
	for _, told := range []bool{true, false} {
		s := tell()
		s.unheard(write{label: "u", client: "A", leader: "n1", dot: d(1, 1)})
		s.unheard(write{label: "b", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
		if told {
			s.h.DiskLost(s.tick(), "n1")
		}
		s.writes(write{label: "u", client: "A", leader: "n2", dot: d(2, 1)})
		s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 2)})
		s.applied(d(2, 1), "n1")
		s.applied(d(2, 2), "n1")
		s.final(shows("b", d(2, 2)), "n1", "n2")
		rows := map[string][]oracle.LedgerRow{"n1": {row(d(2, 1), "concurrent")}}
		if diffs := judge(s.h, "lww").Agree(rows); (len(diffs) == 0) != told {
			t.Errorf("told of the disk %t: %q", told, diffs)
		}
	}
}
