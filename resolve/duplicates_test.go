package resolve_test

import (
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
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

// The duplicate of a lost write covers what had beaten it; the lost write survives
// again, and with it its duplicate is accounted.
func TestDuplicateOfAWriteThatSurvivesAgainIsAccounted(t *testing.T) {
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
		t.Errorf("the dots of the reading are %v, want three dots", got)
	}
	s.do("b", put("three"))
	if got := s.values("b"); !slices.Equal(got, []string{"three"}) {
		t.Errorf("shown are %v after an overwrite, want three", got)
	}
}

// An old write of the winner's past was retried elsewhere, late, by an author
// who had been shown one of the losers: so the winner's past holds that loser.
func TestDuplicateLeadsUpToNewerAncestors(t *testing.T) {
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
	winner := s.do("a", put("winner"))
	s.ship("b", "c")
	c := s.leaders["c"]
	if err := c.Pull(s.leaders["a"], 1, s.now); err != nil {
		t.Fatal(err)
	}
	before := c.Object.Clone()
	s.ship("a", "c")
	if c.History.Lost("k", seen.Dot).Has(resolve.LWW) {
		t.Error("lost, though the winner's author had been shown a request that had seen it")
	}
	s.audit("c")
	for _, v := range c.Panel.Fold(before, winner, c.History, nil) {
		if v.Loser == seen.Dot {
			t.Errorf("folding the winner says %+v", v)
		}
	}
}

// The author had been shown, two steps back, a request whose other dot had seen
// what now beats the write.
func TestInvertedThroughADuplicate(t *testing.T) {
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

// The op's duplicate is in the past of what the op removes, by way of another duplicate;
// so is then the op's own parent, which was lost before.
func TestNothingIsLostTwiceThroughDuplicates(t *testing.T) {
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

// everywhere brings everything that the named leaders have to all of them.
func (s *story) everywhere(names ...string) {
	s.t.Helper()
	for range names {
		for _, from := range names {
			for _, to := range names {
				s.ship(from, to)
			}
		}
	}
	s.audit(names...)
}

// Three leaders accept one put. The one with the greatest stamp has been
// overwritten by an author who had seen it: none of the three is lost, at whichever
// leader one asks.
func TestThreeDotsOfOneRequestAreAccountedTogether(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b", "c", "d")
	var dots []logical.Dot
	for _, at := range []string{"c", "a", "b"} {
		dots = append(dots, s.do(at, request(put("once"), 1)).Dot)
	}
	s.do("b", put("over it"))
	for _, from := range []string{"c", "b", "a"} {
		s.ship(from, "d")
	}
	s.everywhere("a", "b", "c", "d")
	for name, l := range s.leaders {
		for _, d := range dots {
			if l.History.Lost("k", d).Has(resolve.LWW) {
				t.Errorf("leader %s holds %s as lost; its request was seen at b", name, d)
			}
		}
	}
}

// The smallest dot of three counts. One of the others is deleted, and the request
// with it, also where the smallest arrives last.
func TestRequestOfThreeDotsCountsOnceOrNotAtAll(t *testing.T) {
	s := counters(t, "a", "b", "c", "d")
	for _, at := range []string{"c", "a", "b"} {
		s.do(at, request(add(5), 1))
	}
	s.do("b", over(add(1)))
	for _, from := range []string{"c", "b"} {
		s.ship(from, "d")
	}
	if got, _ := s.leaders["d"].Object.Sum(); got != number.Of(6) {
		t.Errorf("d sums to %s before it hears of a, want 6", got)
	}
	s.do("c", remove())
	s.everywhere("a", "b", "c", "d")
	s.sums(1, "a", "b", "c", "d")
}

// A retry that comes to a deletion, where the first try was a put, takes nothing
// back, whichever arrives first.
func TestRetryThatDeletesVoidsNothing(t *testing.T) {
	for _, first := range []string{"a", "b"} {
		s := counters(t, "a", "b", "c")
		second := map[string]string{"a": "b", "b": "a"}[first]
		s.do(first, request(add(5), 1))
		s.do(second, request(remove(), 1))
		s.ship(second, "c")
		s.everywhere("a", "b", "c")
		s.sums(5, "a", "b", "c")
	}
}

// elsewhere is a history that takes dot other for a dot of every request, and for a
// write to another key.
type elsewhere struct {
	resolve.History
	other logical.Dot
}

func (e elsewhere) Duplicates(d logical.Dot) []logical.Dot {
	dots := []logical.Dot{d, e.other}
	slices.SortFunc(dots, logical.Dot.Compare)
	return dots
}

func (e elsewhere) Op(d logical.Dot) (*resolve.Op, bool) {
	if d == e.other {
		return &resolve.Op{Dot: d, Key: "another", Kind: resolve.Add, Delta: number.Of(5)}, true
	}
	return e.History.Op(d)
}

func TestDotOfAnotherKeyIsNoDuplicate(t *testing.T) {
	s := counters(t, "a")
	op := s.do("a", request(add(5), 1))
	l := s.leaders["a"]
	o := &resolve.Object{Key: "k"}
	l.Panel.Fold(o, op, elsewhere{l.History, logical.Dot{Origin: 1, Seq: 1}}, nil)
	if sum, _ := o.Sum(); o.Duplicates || sum != number.Of(5) {
		t.Errorf("duplicates %t, sum %s; want none, and 5", o.Duplicates, sum)
	}
}
