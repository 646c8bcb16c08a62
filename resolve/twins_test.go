package resolve_test

import (
	"slices"
	"testing"

	"kvd/resolve"
)

// Two clients lose their answers and retry at the other leader, each request
// landing behind the other's there. Every acceptance has then been overwritten
// by one that follows it, and were the two dots of a request one version, nothing
// would be left.
func TestCrossedRetriesLeaveSiblings(t *testing.T) {
	for _, id := range []resolve.ID{resolve.Siblings, resolve.Causal} {
		s := newStory(t, served(id), "a", "b")
		s.do("a", request(put("two"), 2))
		s.do("a", request(put("one"), 1))
		s.do("b", request(put("one"), 1))
		s.do("b", request(put("two"), 2))
		s.ship("a", "b")
		s.ship("b", "a")
		for _, at := range []string{"a", "b"} {
			if len(s.values(at)) == 0 {
				t.Errorf("%s: leader %s shows nothing, though two puts were acknowledged", id, at)
			}
		}
	}
}

// The twin of a lost write covers what had beaten it; the lost write survives
// again, and with it its twin is accounted.
func TestTwinOfAWriteThatSurvivesAgainIsAccounted(t *testing.T) {
	s := newStory(t, served(resolve.Causal), "fast", "b", "c", "d")
	s.clock("fast", 1100, 0)
	s.do("fast", put("far"))
	s.ship("fast", "b")
	s.clock("c", 1050, 0)
	s.do("c", request(put("one"), 1))
	s.do("b", request(put("one"), 1))
	s.ship("fast", "d")
	s.ship("c", "d")
	s.ship("b", "d")
	s.audit("b", "c", "d")
}

func TestTwoDotsOfOneRequestAreShownOnce(t *testing.T) {
	s := newStory(t, served(resolve.Siblings), "a", "b")
	s.do("a", request(put("one"), 1))
	s.do("b", request(put("one"), 1))
	s.do("b", over(put("two")))
	s.ship("a", "b")
	if got := s.values("b"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("shown are %v, want one and two", got)
	}
	l := s.leaders["b"]
	if got := l.Panel.Read(l.Object, l.History).Dots; len(got) != 3 {
		t.Errorf("the reading stands for %v, want three dots", got)
	}
	s.do("b", put("three"))
	if got := s.values("b"); !slices.Equal(got, []string{"three"}) {
		t.Errorf("shown are %v after an overwrite, want three", got)
	}
}
