package wallclock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func interval(t *rapid.T, name string) Interval {
	return Around(Instant(rapid.Int64Range(-50, 50).Draw(t, name)), time.Duration(rapid.IntRange(0, 20).Draw(t, name+" error")))
}

func TestIntervalsAreAnIntervalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, v, w, x := interval(t, "u"), interval(t, "v"), interval(t, "w"), interval(t, "x")
		if v.Before(v) || v.Before(w) && w.Before(v) {
			t.Fatalf("%v and %v: before is not strict", v, w)
		}
		if u.Before(v) && v.Before(w) && !u.Before(w) {
			t.Fatalf("%v, %v, %v: before is not transitive", u, v, w)
		}
		if u.Before(v) && w.Before(x) && !u.Before(x) && !w.Before(v) {
			t.Fatalf("%v<%v and %v<%v without a crossing: no interval order", u, v, w, x)
		}
	})
}

func TestBeforeMeansNoInstantIsShared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, w := interval(t, "v"), interval(t, "w")
		shared := false
		for i := v.Earliest; i <= v.Latest; i++ {
			shared = shared || w.Contains(i)
		}
		if shared == (v.Before(w) || w.Before(v)) {
			t.Fatalf("%v and %v: shared %t", v, w, shared)
		}
	})
}

func TestAroundIsRecoveredByMidpointAndHalfWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, err := Instant(rapid.Int64Range(-1e18, 1e18).Draw(t, "i")), time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "err"))
		v := Around(i, err)
		if v.Midpoint() != i || v.HalfWidth() != err || !v.Contains(i) || !v.Contains(v.Earliest) || !v.Contains(v.Latest) {
			t.Fatalf("%d ± %d is %v", i, err, v)
		}
		if v.Contains(v.Earliest-1) || v.Contains(v.Latest+1) {
			t.Fatalf("%v contains more than it says", v)
		}
	})
}

// Present instants summed would leave 64 bits.
func TestMidpointDoesNotOverflow(t *testing.T) {
	far := Interval{Earliest: 1<<62 + 2, Latest: 1<<62 + 10}
	if got := far.Midpoint(); got != 1<<62+6 {
		t.Errorf("midpoint of %d and %d is %d", far.Earliest, far.Latest, got)
	}
}

func TestInstantsAndStopwatchesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.Int64Range(-1e18, 1e18).Draw(t, "n"), time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "d"))
		if i := Instant(n); i.Add(d).Sub(i) != d || i.Time().UnixNano() != n {
			t.Fatalf("instant %d and %s", n, d)
		}
		if m := Mono(n); m.Add(d).Sub(m) != d {
			t.Fatalf("stopwatch %d and %s", n, d)
		}
	})
}
