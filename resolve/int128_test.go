package resolve_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// exact is what big arithmetic makes of a.
func exact(a resolve.Int128) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

func TestInt128IsWhatBigSays(t *testing.T) {
	some := rapid.Custom(func(t *rapid.T) resolve.Int128 {
		hi := rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64Range(math.MinInt64/4, math.MaxInt64/4)).Draw(t, "hi")
		return resolve.Int128{Hi: hi, Lo: rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 2), rapid.Uint64Range(math.MaxInt64-1, math.MaxInt64+2)).Draw(t, "lo")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := some.Draw(t, "a"), some.Draw(t, "b")
		if got, want := exact(a.Plus(b)), new(big.Int).Add(exact(a), exact(b)); got.Cmp(want) != 0 {
			t.Fatalf("%s + %s is %s, want %s", a, b, got, want)
		}
		if got, want := exact(a.Minus(b)), new(big.Int).Sub(exact(a), exact(b)); got.Cmp(want) != 0 {
			t.Fatalf("%s - %s is %s, want %s", a, b, got, want)
		}
		if a.String() != exact(a).String() {
			t.Fatalf("%s is written %s", exact(a), a)
		}
		if a.Fits() != exact(a).IsInt64() || a.Fits() && a.Clamp() != exact(a).Int64() {
			t.Fatalf("%s fits: %t, as %d", a, a.Fits(), a.Clamp())
		}
		if want := int64(math.MaxInt64); !a.Fits() && (a.Hi < 0) != (a.Clamp() != want) {
			t.Fatalf("%s is held at %d", a, a.Clamp())
		}
	})
}

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
			if got := s.reads(n); got != string(put(resolve.Wide(most).String()).Value) {
				t.Errorf("%s shows %s, want %d", n, got, most)
			}
		}
		if _, err := s.leaders["n1"].Panel.Draft(s.leaders["n1"].Object, 1, add(sign).Intent, s.leaders["n1"].History); err != resolve.ErrOverflow {
			t.Errorf("an addition that takes it further is answered %v", err)
		}
		if op := s.do("n1", add(-10*sign)); string(op.Value) != resolve.Wide(most).String() {
			t.Errorf("an addition that takes it back makes it %s", op.Value)
		}
		back := resolve.Int128{}.Minus(resolve.Wide(most)).Clamp()
		sum, _ := s.leaders["n1"].Object.Sum()
		if op := s.do("n1", add(back)); string(op.Value) != sum.Plus(resolve.Wide(back)).String() || s.reads("n1") != string(op.Value) {
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
			op, err := l.Accept(put(resolve.Wide(n).String()), wallclock.Instant(1000+i))
			if op == nil || err != nil {
				t.Fatalf("set %d to %d: %v", i, n, err)
			}
			if sum, _ := l.Object.Sum(); sum != resolve.Wide(n) {
				t.Fatalf("set to %d, the additions come to %s", n, sum)
			}
		}
	})
}
