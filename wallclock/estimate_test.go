package wallclock

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever an honest source says of a clock that is stepped, frozen and strobed, and however
// the stopwatch drifts within its bound, true time lies within the estimate.
func TestAnEstimateHoldsTrueTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		rate := rapid.Float64Range(-maxSlew, maxSlew).Draw(t, "rate")
		start := Instant(1_700_000_000_000_000_000)
		clock := NewSkewed(Faults{}, start)
		truth, mono := start, Mono(0)
		var e Estimate
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			passed := duration("passed", time.Hour)
			truth = truth.Add(passed)
			mono = mono.Add(passed + time.Duration(float64(passed)*rate))
			switch rapid.SampledFrom([]string{"read", "step", "freeze", "drift", "hear", "hear"}).Draw(t, "what") {
			case "step":
				clock = clock.Step(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "step")))
			case "freeze":
				clock = clock.Freeze(truth, duration("frozen", time.Hour))
			case "drift":
				clock = clock.With(Faults{Drift: rapid.Float64Range(-9e4, 9e4).Draw(t, "drift")}, truth)
			case "hear":
				shows := clock.Shows(truth)
				ahead := truth.Sub(shows)
				b := Bound{At: Moment{Mono: mono, Wall: Around(shows, 0)}, Ahead: Offset{ahead - duration("before", time.Second), ahead + duration("after", time.Second)}}
				var contradicted bool
				if e, contradicted = e.Hear(b); contradicted {
					t.Fatal("honest bounds contradict each other")
				}
			}
			if v, ok := e.At(mono); ok && !v.Contains(truth) {
				t.Fatalf("at %s true time is %s", v, truth.Time())
			}
		}
	})
}

// A bound that contradicts what was known is believed, and said to.
func TestAnEstimateIsContradicted(t *testing.T) {
	at := func(m Mono, wall Instant) Moment { return Moment{Mono: m, Wall: Around(wall, 0)} }
	e, contradicted := Estimate{}.Hear(Bound{At: at(0, 1e18), Ahead: Offset{-1e6, 1e6}})
	if _, known := (Estimate{}).At(5); contradicted || known {
		t.Fatal("what knows nothing is contradicted, or known")
	}
	// The machine stood still for a minute, and its stopwatch with it.
	e, contradicted = e.Hear(Bound{At: at(1e9, 1e18+1e9), Ahead: Offset{60e9 - 1e6, 60e9 + 1e6}})
	if v, _ := e.At(1e9); !contradicted || v != (Interval{1e18 + 61e9 - 1e6, 1e18 + 61e9 + 1e6}) {
		t.Errorf("%s, contradicted: %v", v, contradicted)
	}
	// A wider bound takes nothing back; a second of drift is half a millisecond.
	e, _ = e.Hear(Bound{At: at(2e9, 1e18+2e9), Ahead: Offset{0, 90e9}})
	drifted := Instant(rated(time.Second, slewRate))
	if v, _ := e.At(2e9); v != (Interval{1e18 + 62e9 - 1e6 - drifted, 1e18 + 62e9 + 1e6 + drifted}) {
		t.Errorf("half-width %s", v.HalfWidth())
	}
	if m, ok := e.Heard(); !ok || m != 2e9 {
		t.Errorf("heard at %d, %v", m, ok)
	}
}

// As long as most sources are right, what they agree on holds true time, and none of the
// right ones is called wrong.
func TestAgreementHoldsTrueTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "sources")
		liars := rapid.IntRange(0, (n-1)/2).Draw(t, "liars")
		silent := rapid.IntRange(0, liars).Draw(t, "silent") // says nothing, and counts
		span := rapid.Int64Range(0, 1000)
		var said []Offset
		for range n - liars {
			said = append(said, Offset{time.Duration(-span.Draw(t, "low")), time.Duration(span.Draw(t, "high"))})
		}
		for range liars - silent {
			low := time.Duration(rapid.Int64Range(-3000, 3000).Draw(t, "from"))
			said = append(said, Offset{low, low + time.Duration(span.Draw(t, "wide"))})
		}
		common, wrong, ok := Agree(said, n)
		if !ok || common.Earliest > 0 || common.Latest < 0 {
			t.Fatalf("%v of %d agree on %v, %v", said, n, common, ok)
		}
		for _, w := range wrong {
			if w < n-liars {
				t.Fatalf("%v, which is right, is called wrong", said[w])
			}
		}
	})
}

func TestAgree(t *testing.T) {
	for _, c := range []struct {
		said   []Offset
		n      int
		common Offset
		wrong  []int
		ok     bool
	}{
		{nil, 1, Offset{}, nil, false},
		{[]Offset{{-5, 5}}, 1, Offset{-5, 5}, nil, true},
		{[]Offset{{-5, 5}}, 2, Offset{}, nil, false},                                           // one of two says nothing
		{[]Offset{{-5, 5}, {6, 9}}, 2, Offset{}, nil, false},                                   // nobody knows who is right
		{[]Offset{{-5, 5}, {5, 9}}, 2, Offset{5, 5}, nil, true},                                // they touch
		{[]Offset{{-5, 5}, {-4, 6}, {1000, 1001}}, 3, Offset{-4, 5}, []int{2}, true},           // a falseticker
		{[]Offset{{-5, 5}, {-4, 6}, {5, 30}}, 3, Offset{-4, 6}, nil, true},                     // which overlaps two: wider than Marzullo's [5, 5]
		{[]Offset{{0, 10}, {0, 10}, {20, 30}, {20, 30}, {8, 22}}, 5, Offset{8, 22}, nil, true}, // two groups, and one between
	} {
		common, wrong, ok := Agree(c.said, c.n)
		if common != c.common || ok != c.ok || !slices.Equal(wrong, c.wrong) {
			t.Errorf("%v of %d: %v, wrong %v, %v", c.said, c.n, common, wrong, ok)
		}
	}
}
