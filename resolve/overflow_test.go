package resolve_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// reads is what the leader shows of a counter.
func (s *story) reads(at string) string {
	l := s.leaders[at]
	r := l.Panel.Read(l.Object, l.History)
	if len(r.Values) != 1 {
		return ""
	}
	return string(r.Values[0])
}

// TestAdditionsApartOverflowNothing: two leaders that cannot know of each other
// admit what together leaves 64 bits. The key shows the nearest that they hold,
// everywhere, and the way back is open.
func TestAdditionsApartOverflowNothing(t *testing.T) {
	for _, sign := range []int64{1, -1} {
		most := int64(math.MaxInt64)
		if sign < 0 {
			most = math.MinInt64
		}
		s := counters(t, "n1", "n2", "n3")
		s.do("n1", add(most))
		s.do("n2", add(most))
		s.do("n3", add(5*sign))
		for _, from := range []string{"n1", "n2", "n3"} {
			for _, to := range []string{"n3", "n2", "n1"} {
				s.ship(from, to)
			}
		}
		for n := range s.leaders {
			if got := s.reads(n); got != string(put(number.Of(most).String()).Value) {
				t.Errorf("%s shows %s, want %d", n, got, most)
			}
		}
		if _, err := s.leaders["n1"].Panel.Draft(s.leaders["n1"].Object, 1, add(sign).Intent, s.leaders["n1"].History); err != resolve.ErrOverflow {
			t.Errorf("an addition that takes it further is answered %v", err)
		}
		if op := s.do("n1", add(-10*sign)); string(op.Value) != number.Of(most).String() {
			t.Errorf("an addition that takes it back makes it %s", op.Value)
		}
		back := number.Int128{}.Minus(number.Of(most)).Clamp()
		sum, _ := s.leaders["n1"].Object.Sum()
		if op := s.do("n1", add(back)); string(op.Value) != sum.Plus(number.Of(back)).String() || s.reads("n1") != string(op.Value) {
			t.Errorf("back within 64 bits it is %s", op.Value)
		}
		s.ship("n1", "n2")
		s.do("n2", put("7"))
		s.ship("n2", "n1")
		if s.reads("n1") != "7" || s.reads("n2") != "7" {
			t.Errorf("set to 7, it is %s and %s", s.reads("n1"), s.reads("n2"))
		}
	}
}

// TestASetReachesAnyNumber: what it adds need not fit in 64 bits, nor need an
// origin's running total.
func TestASetReachesAnyNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := resolvetest.NewLeader(served(rapid.SampledFrom(resolve.IDs()).Draw(t, "serving")), "k", 1)
		for i := range rapid.IntRange(1, 6).Draw(t, "sets") {
			n := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64})).Draw(t, "n")
			op, err := l.Accept(put(number.Of(n).String()), wallclock.Instant(1000+i))
			if op == nil || err != nil {
				t.Fatalf("set %d to %d: %v", i, n, err)
			}
			if sum, _ := l.Object.Sum(); sum != number.Of(n) {
				t.Fatalf("set to %d, the additions come to %s", n, sum)
			}
		}
	})
}
