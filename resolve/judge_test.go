package resolve_test

import (
	"fmt"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
)

// DDIA figure 8-3: a write that saw another is stamped by a slow clock.
func TestSlowClockInvertsUnderWallClocksOnly(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b")
	s.clock("a", 1100, 0)
	s.do("a", put("one"))
	s.ship("a", "b")
	later := s.do("b", put("two"))
	if got := s.values("b"); len(got) != 1 || got[0] != "one" {
		t.Errorf("lww shows %v, want one", got)
	}
	if want := resolve.LWW.Mask() | resolve.HLC.Mask() | resolve.Interval.Mask(); later.Inverted != want {
		t.Errorf("inverted under %v, want %v", later.Inverted.Names(), want.Names())
	}
	s.audit("a", "b")
}

// A hidden version must stay unseen: a put over what lww shows does not have
// seen what lww hid.
func TestWriteOverTheShownLeavesTheHiddenLost(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b")
	s.do("b", put("loser"))
	winner := s.do("a", put("winner"))
	s.ship("b", "a")
	s.do("a", over(put("informed"), winner.Dot))
	if got := s.losses("a", resolve.LWW); len(got) != 1 {
		t.Errorf("lost under lww are %v, want one", got)
	}
	if got := s.losses("a", resolve.Causal); len(got) != 1 {
		t.Errorf("lost under causal are %v, want one", got)
	}
	s.audit("a")
}

// The reader of the winner writes with a smaller stamp: the version that was
// hidden from it must not come back over its write.
func TestHiddenVersionDoesNotResurface(t *testing.T) {
	s := newStory(t, served(resolve.Causal), "a", "b")
	s.clock("a", 1100, 0)
	s.do("a", put("100"))
	s.clock("b", 1090, 0)
	s.do("b", put("90"))
	s.ship("b", "a")
	s.ship("a", "b")
	s.clock("b", 1080, 0)
	s.do("b", put("80"))
	if got := s.values("b"); len(got) != 1 || got[0] != "80" {
		t.Errorf("causal shows %v, want 80", got)
	}
	s.audit("b")
}

// What survives on acceptance may be an ancestor of what the author had been shown,
// and not among it.
func TestInvertedByADistantSurvivor(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a")
	s.clock("a", 1100, 0)
	first := s.do("a", put("first"))
	s.clock("a", 1050, 0)
	second := s.do("a", over(put("second"), first.Dot))
	s.clock("a", 1060, 0)
	third := s.do("a", over(put("third"), second.Dot))
	if !third.Inverted.Has(resolve.LWW) {
		t.Error("not marked inverted under lww, though a version its author had built on outlived it")
	}
	s.audit("a")
}

// What the clocks cannot tell apart, causality does: a client that writes often
// makes no siblings with itself, and a wide old interval does not outlive what
// overwrote it.
func TestIntervalKeepsNoVersionThatAnOverlappingOneHadSeen(t *testing.T) {
	s := newStory(t, served(resolve.Interval), "a", "b")
	s.clock("a", 1050, 50)
	for _, v := range []string{"1", "2", "3"} {
		s.do("a", put(v))
	}
	if got := s.values("a"); len(got) != 1 || got[0] != "3" {
		t.Errorf("interval shows %v, want 3 alone", got)
	}
	s.audit("a")
}

// All that had seen the watermark lies wholly before it: it is shown again, and what it
// beat is inverted.
func TestIntervalShowsTheWatermarkWhenNothingReachesIt(t *testing.T) {
	s := newStory(t, served(resolve.Interval), "a")
	s.clock("a", 9000, 1)
	s.do("a", put("future"))
	s.clock("a", 1000, 1)
	late := s.do("a", put("late"))
	if got := s.values("a"); len(got) != 1 || got[0] != "future" || !late.Inverted.Has(resolve.Interval) {
		t.Errorf("interval shows %v, inverted under %v; want future, and late inverted", got, late.Inverted.Names())
	}
	s.audit("a")
}

// A version may outlive its log entry. When it is beaten, that is a loss like
// any other; when it was seen, it is not.
func TestVersionWithoutLogEntryIsJudged(t *testing.T) {
	for _, seen := range []bool{false, true} {
		s := newStory(t, served(resolve.LWW), "a")
		old := s.do("a", put("old"))
		next := over(put("new"))
		if seen {
			next = over(put("new"), old.Dot)
		}
		l := s.leaders["a"]
		l.History.Forget(old.Dot)
		s.do("a", next)
		if got := l.History.Lost("k", old.Dot).Has(resolve.LWW); got == seen {
			t.Errorf("seen %t: lost is %t", seen, got)
		}
	}
}

// What neither log nor object hold any more is left alone, and so is what only it
// leads to.
func TestForgottenWritesAreNotLost(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a")
	first, second := s.do("a", put("1")), s.do("a", put("2"))
	third, fourth := s.do("a", put("3")), s.do("a", put("4"))
	l := s.leaders["a"]
	l.History.Forget(second.Dot)
	s.do("a", over(put("blind")))
	for op, want := range map[*resolve.Op]bool{first: false, second: false, third: true, fourth: true} {
		if got := l.History.Lost("k", op.Dot).Has(resolve.LWW); got != want {
			t.Errorf("%s is lost: %t, want %t", op.Value, got, want)
		}
	}
}

// counting is a history that counts how many ops it was asked for.
type counting struct {
	*resolvetest.History
	asked int
}

func (c *counting) Op(d logical.Dot) (*resolve.Op, bool) {
	c.asked++
	return c.History.Op(d)
}

func TestWalksEndWhereBothSidesMeet(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b")
	for i := range 1000 {
		s.do("a", put(fmt.Sprint(i)))
	}
	s.ship("a", "b")
	s.do("b", put("left"))
	right := s.do("a", put("right"))
	l := s.leaders["b"]
	l.History.Admit(right)
	h := &counting{History: l.History}
	l.Panel.Fold(l.Object, right, h, nil)
	if h.asked == 0 || h.asked > 50 {
		t.Errorf("folding a conflict asked for %d ops, want some and at most 50", h.asked)
	}
}

// What the log holds no more may be lost, and seen by a later survivor all the same.
func TestALossIsRetractedWhereTheLogIsTruncated(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b", "c")
	lost := s.do("a", put("lost"))
	s.ship("a", "b")
	s.do("c", put("winner"))
	s.ship("a", "c")
	l := s.leaders["c"]
	if !l.History.Lost("k", lost.Dot).Has(resolve.LWW) {
		t.Fatal("not lost to begin with")
	}
	l.History.Forget(lost.Dot)
	s.do("b", put("reader"))
	s.ship("b", "c")
	if l.History.Lost("k", lost.Dot).Has(resolve.LWW) {
		t.Error("lost, though the author of what survives had been shown it")
	}
}

// What one op beats is told in the order of dots.
func TestLossesAreToldByDot(t *testing.T) {
	s := newStory(t, resolve.Panel{Serving: resolve.LWW}, "a", "b")
	want := []logical.Dot{}
	for _, v := range []string{"1", "2", "3"} {
		want = append(want, s.do("a", put(v)).Dot)
	}
	winner, l := s.do("b", put("winner")), s.leaders["a"]
	l.History.Admit(winner)
	var got []logical.Dot
	for _, v := range l.Panel.Fold(l.Object, winner, l.History, nil) {
		got = append(got, v.Loser)
	}
	if !slices.Equal(got, want) {
		t.Errorf("told are %v, want %v", got, want)
	}
}
