package oracle_test

import (
	"slices"
	"testing"

	"kvd/scenarios/oracle"
)

// wantContradictions compares KIND AT: WHY.
func wantContradictions(t *testing.T, v *oracle.Judgement, want ...string) {
	t.Helper()
	var got []string
	for _, c := range v.Contradictions {
		got = append(got, c.Kind.String()+" "+c.At.String()+": "+c.Why)
	}
	if !slices.Equal(got, want) {
		t.Errorf("contradictions\n%q, expected\n%q", got, want)
	}
}

func TestRepliesMayOnlyNameWhatWasAccepted(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1), over: dots(d(9, 9))})
	s.reads("B", "n2", shows("b", d(2, 1)))
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.writes(write{label: "other", client: "B", leader: "n2", dot: d(2, 2), key: "y"})
	s.reads("B", "n2", shows("other", d(2, 2)))
	s.final(shows("?", d(8, 8)), "n1")
	wantContradictions(t, s.h.Judge("lww"),
		"unknown 2ms: a: n1 acknowledged writing over 0000000000000009-9, which names no write of x",
		"early 4ms: n2 showed B b before it was accepted as 0000000000000002-1",
		"unknown 11ms: at the end n1 shows 0000000000000008-8, which names no write of x",
		"unknown 11ms: n2 showed B 0000000000000002-2, which names no write of x")
}

func TestOneDotNamesOneWrite(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(1, 1)})
	wantContradictions(t, s.h.Judge("lww"),
		"reused 5ms: n2 gave b the dot 0000000000000001-1, which already names a",
		"unasked 6ms: n2 acknowledged request r-b, which no leader had accepted")
}

func TestNobodyAnswersWhatWasNotAsked(t *testing.T) {
	s := tell()
	s.accepted(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.h.Failed(s.tick(), "r-z", "no")
	v := s.h.Judge("lww")
	wantContradictions(t, v,
		"unasked 1ms: n1 accepted request r-a as 0000000000000001-1, and nobody had sent such a write",
		"unasked 2ms: request r-z failed (no), and nobody had sent it")
	if v.Failed != 1 {
		t.Errorf("failed %d, expected 1", v.Failed)
	}
}

func TestCirclesAreCutAndSaid(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1), over: dots(d(2, 1))})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1), over: dots(d(1, 1))})
	s.final(shows("b", d(2, 1)))
	v := s.wantTally(t, "lww", oracle.Tally{Acked: 2, Accounted: 1, Lost: 1, Durability: 1})
	wantContradictions(t, v,
		"early 2ms: a: n1 acknowledged writing over b before it was accepted as 0000000000000002-1",
		"circle 5ms: b had been shown a, whose author had been shown b")
}
