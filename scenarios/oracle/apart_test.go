package oracle_test

import (
	"testing"

	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
)

// at is what one leader shows at the end.
func (s *story) at(leader string, r history.Reading) *story {
	s.final(r, leader)
	return s
}

// TestCountersApartLoseNothing: under a partition that does not heal each leader
// shows the sum of what it has, and that the other lacks it is no loss.
func TestCountersApartLoseNothing(t *testing.T) {
	apart := func() *story {
		s := tell().all(incr("a", "n1", 1, d(1, 1)), incr("b", "n2", 1, d(2, 1)), incr("c", "n2", 1, d(2, 2), d(2, 1)))
		s.applied(d(1, 1), "n1")
		return s
	}
	cases := []struct {
		name  string
		story *story
		want  oracle.Stats
		lost  []string
	}{
		{"both add", apart().at("n1", shows("1", d(1, 1))).at("n2", shows("2", d(2, 2))), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"one lacks its own", apart().at("n1", shows("")).at("n2", shows("2", d(2, 2))),
			oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Durability: 1}, []string{"a durability c"}},
		{"one counts too much", apart().at("n1", shows("3", d(1, 1))).at("n2", shows("2", d(2, 2))), oracle.Stats{Acked: 3, Accounted: 3, Overcounted: 2}, nil},
		{"both count too much, and the most is said", apart().at("n1", shows("3", d(1, 1))).at("n2", shows("3", d(2, 2))), oracle.Stats{Acked: 3, Accounted: 3, Overcounted: 2}, nil},
		{"what one has left out the other shows",
			func() *story {
				s := tell().all(incr("a", "n1", 1, d(1, 1)), incr("b", "n1", 5, d(1, 2)))
				s.applied(d(1, 1), "n2")
				return s.at("n1", shows("6", d(1, 2))).at("n2", shows(""))
			}(), oracle.Stats{Acked: 2, Accounted: 2}, nil},
		{"a third has neither", apart().at("n1", shows("1", d(1, 1))).at("n2", shows("2", d(2, 2))).at("n3", shows("")), oracle.Stats{Acked: 3, Accounted: 3}, nil},
		{"one has deleted what the other shows",
			func() *story {
				s := tell().all(incr("a", "n1", 5, d(1, 1)))
				s.applied(d(1, 1), "n2")
				return s.all(del("del", "n1", d(1, 2), d(1, 1))).at("n1", shows("")).at("n2", shows("5", d(1, 1)))
			}(), oracle.Stats{Acked: 2, Accounted: 2}, nil},
		{"a set is what the leader that shows it has of it",
			func() *story {
				s := tell()
				s.unheard(add("u", "n1", 10, d(1, 1)))
				again := add("u", "n2", 7, d(2, 1))
				again.client = "Cn1"
				s.applied(d(9, 9), "n3")
				return s.all(again).at("n1", shows("10", d(1, 1))).at("n2", shows("7", d(2, 1)))
			}(), oracle.Stats{Acked: 1, Accounted: 1}, nil},
		{"one has deleted, and shows it all the same",
			func() *story {
				s := tell().all(incr("a", "n1", 5, d(1, 1)))
				s.applied(d(1, 1), "n2")
				s.all(del("del", "n1", d(1, 2), d(1, 1)), incr("b", "n2", 1, d(2, 1), d(1, 1)))
				return s.at("n1", shows("5", d(1, 1))).at("n2", shows("6", d(1, 1), d(2, 1)))
			}(), oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Resurrected: 1}, []string{"del resurrected a"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := c.story.wantStats(t, "counter", c.want)
			wantLosses(t, v, c.lost...)
			wantNoContradictions(t, v)
		})
	}
}

// TestADeletionOnOneSideIsNotUndoneByTheOther: siblings on the side that has not
// heard of it still show what was deleted.
func TestADeletionOnOneSideIsNotUndoneByTheOther(t *testing.T) {
	for _, shown := range []history.Reading{shows(""), shows("", d(1, 2))} {
		s := tell().all(write{label: "w", client: "A", leader: "n1", dot: d(1, 1)})
		s.applied(d(1, 1), "n2")
		s.all(del("del", "n1", d(1, 2), d(1, 1)))
		s.at("n1", shown).at("n2", shows("w", d(1, 1)))
		v := s.wantStats(t, "siblings", oracle.Stats{Acked: 2, Accounted: 2})
		wantLosses(t, v)
	}
}

// unknownLeader is a leader that is asked at the end and never was heard of before, or only
// by what it showed a client once.
func unknownLeader(s *story, heard bool) *story {
	if heard {
		s.reads("R", "n9", shows(""))
	}
	return s.at("n9", shows(""))
}

// TestAnUndoneDeletionIsUndoneWhoeverLacksIt: who does not have a deletion does not keep
// it, though nothing of what it had deleted is there.
func TestAnUndoneDeletionIsUndoneWhoeverLacksIt(t *testing.T) {
	for _, heard := range []bool{true, false} {
		s := tell().all(write{label: "w", client: "A", leader: "n1", dot: d(1, 1)})
		s.applied(d(1, 1), "n2")
		s.all(del("del", "n1", d(1, 2), d(1, 1)), write{label: "o", client: "A", leader: "n2", dot: d(2, 1), over: dots(d(1, 1))})
		unknownLeader(s.at("n1", shows("w", d(1, 1))).at("n2", shows("o", d(2, 1))), heard)
		v := s.wantStats(t, "siblings", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Resurrected: 1})
		wantLosses(t, v, "del resurrected w")
	}
}

// TestADeletionWithNothingOfItsPastIsDone, where nobody says who has it, and where all
// who had it lost it with what it had deleted.
func TestADeletionWithNothingOfItsPastIsDone(t *testing.T) {
	both := func() *story {
		return tell().all(write{label: "w", client: "A", leader: "n1", dot: d(1, 1)}, del("del", "n1", d(1, 2), d(1, 1)))
	}
	untold := both().all(write{label: "o", client: "A", leader: "n1", dot: d(1, 3)}).at("n2", shows("")).at("n3", shows("o", d(1, 3)))
	untold.wantStats(t, "siblings", oracle.Stats{Acked: 3, Accounted: 3})

	agreed := both()
	agreed.applied(d(1, 1), "n2")
	agreed.at("n2", shows("")).at("n3", shows(""))
	agreed.wantStats(t, "siblings", oracle.Stats{Acked: 2, Accounted: 2})
}
