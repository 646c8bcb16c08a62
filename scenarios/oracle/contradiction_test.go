package oracle_test

import (
	"slices"
	"testing"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
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
	wantContradictions(t, judge(s.h, "lww"),
		"unknown 2ms: a: n1 acknowledged writing over 0000000000000009-9, which names no write of x",
		"early 4ms: n2 showed B b before it was accepted as 0000000000000002-1",
		"unknown 11ms: at the end n1 shows 0000000000000008-8, which names no write of x",
		"unknown 11ms: n2 showed B 0000000000000002-2, which names no write of x")
}

func TestOneDotNamesOneWrite(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(1, 1)})
	wantContradictions(t, judge(s.h, "lww"),
		"reused 5ms: n2 gave b the dot 0000000000000001-1, which already names a",
		"unasked 6ms: n2 acknowledged request r-b, which no leader had accepted")
}

func TestNobodyAnswersWhatWasNotAsked(t *testing.T) {
	s := tell()
	s.accepted(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.h.Failed(s.tick(), "r-z", "no")
	v := judge(s.h, "lww")
	wantContradictions(t, v,
		"unasked 1ms: n1 accepted request r-a as 0000000000000001-1, and nobody had sent such a write",
		"unasked 2ms: request r-z failed (no), and nobody had sent it")
	if v.Failed != 1 {
		t.Errorf("failed %d, expected 1", v.Failed)
	}
}

func TestCirclesAreSaid(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1), over: dots(d(2, 1))})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1), over: dots(d(1, 1))})
	s.final(shows("b", d(2, 1)))
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 2})
	wantContradictions(t, v,
		"early 2ms: a: n1 acknowledged writing over b before it was accepted as 0000000000000002-1",
		"circle 5ms: b had been shown a, whose author had been shown b")
}

// TestAClientWritesWhatItMakesOfWhatItWasShown: of 5 and 12, both of them made of 10,
// an update by 1 makes 8. The greatest of them and 1 would drop what was taken away.
func TestAClientWritesWhatItMakesOfWhatItWasShown(t *testing.T) {
	for value, want := range map[string][]string{
		"8":  nil,
		"13": {"miscount 10ms: merged wrote 13 over less, more, which with +1 makes 8"},
	} {
		s := tell()
		s.valued("base", script.OpSet, "10", 0, d(1, 1))
		s.valued("less", script.OpUpdate, "5", -5, d(1, 2), d(1, 1))
		s.valued("more", script.OpUpdate, "12", 2, d(2, 1), d(1, 1))
		s.valued("merged", script.OpUpdate, value, 1, d(2, 2), d(1, 2), d(2, 1))
		wantContradictions(t, judge(s.h, "siblings"), want...)
	}
}

// valued is a write over exactly what its client was shown, with its value told.
func (s *story) valued(label string, verb script.OpKind, value string, delta int64, dot logical.Dot, shown ...logical.Dot) {
	w := write{label: label, client: label, leader: "n1", verb: verb, dot: dot, over: shown, after: &history.Reading{Dots: dots(dot), Values: []string{value}}}
	r := w.request()
	r.Value, r.Valued, r.Delta, r.Exact, r.Shown = value, true, delta, true, shown
	s.h.Sent(s.tick(), r)
	s.accepted(w)
	s.acked(w)
}

// TestAReadingShowsWhatItsDotsStandFor, in their order.
func TestAReadingShowsWhatItsDotsStandFor(t *testing.T) {
	three := func(read history.Reading) *oracle.Judgement {
		s := tell()
		s.valued("a", script.OpSet, "1", 0, d(1, 1))
		s.valued("b", script.OpSet, "2", 0, d(2, 1))
		s.writes(write{label: "gone", client: "C", leader: "n1", verb: script.OpDelete, dot: d(3, 1), after: &history.Reading{Dots: dots(d(3, 1))}})
		s.reads("R", "n1", read)
		return judge(s.h, "siblings")
	}
	both := dots(d(1, 1), d(2, 1), d(3, 1))
	wantContradictions(t, three(history.Reading{Dots: both, Values: []string{"1", "2"}}))
	wantContradictions(t, three(history.Reading{Dots: both, Values: []string{"2", "1"}}),
		`misshown 10ms: n1 showed R ["2" "1"] of x for a, b, gone, which is ["1" "2"]`)
	wantContradictions(t, three(history.Reading{Dots: both, Values: []string{"1"}}),
		`misshown 10ms: n1 showed R ["1"] of x for a, b, gone, which is ["1" "2"]`)
	wantContradictions(t, three(history.Reading{Dots: dots(d(3, 1)), Values: []string{"1"}}),
		`misshown 10ms: n1 showed R ["1"] of x for gone, which is absent`)
}
