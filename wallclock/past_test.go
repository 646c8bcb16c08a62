package wallclock

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// When the stopwatch says that a stamp is past, true time is, however an honest clock is wrong
// and the stopwatch drifts; and for the stamp that was read then it says so after twice the
// claimed error, give or take what the stopwatch may drift.
func TestAStampIsPast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claim := rapid.Int64Range(0, int64(time.Hour)).Draw(t, "claim")
		wrong := rapid.Int64Range(-claim, claim).Draw(t, "wrong")
		lifted := rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "lifted")
		rate := rapid.Float64Range(-maxSlew, maxSlew).Draw(t, "rate")
		truth := Instant(1_700_000_000_000_000_000)
		m := Moment{Mono: 7, Wall: Around(truth+Instant(wrong), time.Duration(claim))}
		for _, stamp := range []Interval{m.Wall, {m.Wall.Earliest + Instant(lifted), m.Wall.Latest + Instant(lifted)}} {
			showed := m.Past(stamp).Sub(m.Mono)
			passed := time.Duration(math.Round(float64(showed) / (1 + rate))) // a stopwatch that runs fast shows more
			if now := truth.Add(passed + 1); now <= stamp.Latest {            // half a nanosecond is rounding's
				t.Fatalf("after %s of the stopwatch true time is %s, and the stamp ends %s later", showed, now.Time(), stamp.Latest.Sub(now))
			}
		}
		if wait, want := m.Past(m.Wall).Sub(m.Mono), 2*time.Duration(claim); wait < want || wait > want+want/1000+2 {
			t.Fatalf("it waits %s for a claim of %s either way", wait, time.Duration(claim))
		}
	})
	for _, latest := range []Instant{math.MaxInt64, math.MaxInt64 / 2} { // a stamp that never was a reading
		if p := (Moment{Wall: Interval{Earliest: math.MinInt64 / 2}}).Past(Interval{Latest: latest}); p < Mono(maxPast) {
			t.Errorf("a stamp at the end of time is past at %d", p)
		}
	}
}
