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

// An old write of the winner's past was retried elsewhere, late, by an author
// who had been shown one of the losers: so the winner's past holds that loser.
func TestTwinLeadsUpToNewerAncestors(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b", "c")
	s.do("a", request(put("retried"), 1))
	for range 5 {
		s.do("b", over(put("noise")))
	}
	seen := s.do("b", put("seen"))
	s.clock("b", 1100, 0)
	s.do("b", put("beaten"))
	s.clock("b", 1010, 0)
	s.do("b", over(request(put("retried"), 1), seen.Dot))
	s.clock("a", 1200, 0)
	s.do("a", put("winner"))
	s.ship("b", "c")
	s.ship("a", "c")
	if s.leaders["c"].History.Lost(resolve.LWW, "k", seen.Dot) {
		t.Error("lost, though the winner's author had been shown a request that had seen it")
	}
	s.audit("c")
}

// The author had been shown, two steps back, a request whose other dot had seen
// what now beats the write.
func TestInvertedThroughATwin(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b", "c")
	s.do("a", request(put("retried"), 1))
	shown := s.do("a", put("shown"))
	for range 5 {
		s.do("b", over(put("noise")))
	}
	s.clock("b", 1100, 0)
	s.do("b", put("winner"))
	s.clock("b", 1010, 0)
	s.do("b", request(put("retried"), 1))
	s.ship("a", "c")
	s.ship("b", "c")
	if late := s.do("c", over(put("late"), shown.Dot)); !late.Inverted.Has(resolve.LWW) {
		t.Error("not marked inverted under lww")
	}
	s.audit("c")
}

// The op's twin is in the past of what the op removes, by way of another twin;
// so is then the op's own parent, which was lost before.
func TestNothingIsLostTwiceThroughTwins(t *testing.T) {
	s := newStory(t, served(resolve.Causal), "author", "fast", "slow", "between", "observer")
	s.do("author", request(put("first"), 1))
	s.do("author", request(put("second"), 2))
	s.clock("fast", 1100, 0)
	s.do("fast", request(put("second"), 2))
	parent := s.do("slow", put("parent"))
	s.ship("fast", "slow")
	s.do("slow", over(request(put("first"), 1), parent.Dot, s.leaders["fast"].Log[0].Dot))
	s.clock("between", 1050, 0)
	s.do("between", put("between"))
	for _, from := range []string{"author", "fast", "between", "slow"} {
		s.ship(from, "observer")
	}
	s.audit("slow", "observer")
}
