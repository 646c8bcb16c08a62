package oracle_test

import (
	"testing"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// crossing is two requests that a paused leader carries out late and in the opposite
// order: u then v at n1, v then u at n2. At n1 another write is built on both; what n2
// made of them n1 has never seen.
func crossing(verb script.OpKind) *story {
	s := tell()
	s.unheard(write{label: "u", client: "A", session: true, leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "v", client: "B", leader: "n1", verb: verb, dot: d(1, 2), over: dots(d(1, 1)), after: reading(verb, d(1, 2))})
	s.writes(write{label: "w", client: "C", leader: "n1", dot: d(1, 3), over: dots(d(1, 2))})
	s.unheard(write{label: "v", client: "B", leader: "n2", verb: verb, dot: d(2, 1), after: reading(verb, d(2, 1))})
	s.writes(write{label: "u", client: "A", session: true, leader: "n2", dot: d(2, 2), over: dots(d(2, 1))})
	return s
}

// reading is what is shown right after: a delete leaves nothing.
func reading(verb script.OpKind, dot logical.Dot) *history.Reading {
	if verb == script.OpDelete {
		return &history.Reading{Dots: dots(dot)}
	}
	return nil
}

// TestCrossedRetriesAreNotLost: each next author had been shown the write before it,
// so the survivor accounts for both, whichever of its dots it is.
func TestCrossedRetriesAreNotLost(t *testing.T) {
	for _, verb := range []script.OpKind{script.OpSet, script.OpDelete} {
		for _, last := range []logical.Dot{d(1, 3), d(2, 2)} {
			s := crossing(verb)
			w := write{label: "last", client: "E", leader: "n3", dot: d(3, 1), over: dots(last)}
			s.writes(w)
			want := oracle.Stats{Acked: 4, Accounted: 4}
			final := shows("last", d(3, 1))
			if last == d(2, 2) {
				// Nobody who is left had been shown w.
				want = oracle.Stats{Acked: 4, Accounted: 3, Lost: 1, Concurrent: 1}
			}
			s.final(final)
			for _, resolver := range []string{"lww", "hlc", "causal"} {
				wantNoContradictions(t, s.wantStats(t, resolver, want))
			}
		}
	}
}

// TestCrossedRetriesUnderSiblings: the ops of one request are versions of their own,
// and what is left has been shown everything.
func TestCrossedRetriesUnderSiblings(t *testing.T) {
	for _, verb := range []script.OpKind{script.OpSet, script.OpDelete} {
		s := crossing(verb)
		s.final(history.Reading{Dots: dots(d(1, 3), d(2, 2)), Values: []string{"w", "u"}})
		v := s.wantStats(t, "siblings", oracle.Stats{Acked: 3, Accounted: 3})
		wantNoContradictions(t, v)
		wantLosses(t, v)
		wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": nil}))
	}
}

// TestCrossedRetriesBreakNoSession: a delete that was accepted in two orders explains
// that nothing is shown, whichever of the orders its author had been shown.
func TestCrossedRetriesBreakNoSession(t *testing.T) {
	s := tell()
	s.unheard(write{label: "u", client: "A", session: true, leader: "n1", dot: d(1, 1)})
	s.reads("D", "n1", shows("u", d(1, 1)))
	s.unheard(write{label: "v", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1))})
	s.writes(del("gone", "n1", d(1, 3), d(1, 2)))
	s.writes(write{label: "v", client: "B", leader: "n2", dot: d(2, 1)})
	s.writes(write{label: "u", client: "A", session: true, leader: "n2", dot: d(2, 2), over: dots(d(2, 1))})
	s.reads("D", "n1", shows(""))
	s.final(shows("u", d(2, 2)))
	wantViolations(t, judge(s.h, "siblings"))
}

// TestThreeRetriesInACircle: each of three was shown to the next.
func TestThreeRetriesInACircle(t *testing.T) {
	s := tell()
	for i, order := range [][]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
		leader, origin := []string{"n1", "n2", "n3"}[i], uint64(i+1)
		s.unheard(write{label: order[0], client: order[0], leader: leader, dot: d(origin, 1)})
		s.writes(write{label: order[1], client: order[1], leader: leader, dot: d(origin, 2), over: dots(d(origin, 1))})
	}
	s.final(shows("b", d(1, 2)))
	for _, resolver := range []string{"lww", "siblings"} {
		v := s.wantStats(t, resolver, oracle.Stats{Acked: 3, Accounted: 3})
		wantNoContradictions(t, v)
	}
}
