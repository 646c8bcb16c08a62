package wallclock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

const start = Instant(1_700_000_000_000_000_000)

func shows(t *testing.T, s Skewed, at Instant, want time.Duration) {
	t.Helper()
	if got := s.Shows(at).Sub(at); got != want {
		t.Errorf("%s after the start the clock is off by %s, want %s", at.Sub(start), got, want)
	}
}

func TestZeroSkewedIsPerfect(t *testing.T) {
	var s Skewed
	shows(t, s, start, 0)
	if v := s.Read(start); v != (Interval{start, start}) {
		t.Errorf("it reads %v, want exactly %d", v, start)
	}
}

func TestOffsetAndStep(t *testing.T) {
	s := NewSkewed(Faults{Offset: -40 * time.Millisecond}, start)
	shows(t, s, start.Add(time.Hour), -40*time.Millisecond)
	stepped := s.Step(100 * time.Millisecond)
	shows(t, stepped, start.Add(time.Hour), 60*time.Millisecond)
	shows(t, s, start.Add(time.Hour), -40*time.Millisecond)
}

func TestDriftGathers(t *testing.T) {
	s := NewSkewed(Faults{Drift: 200}, start)
	shows(t, s, start, 0)
	shows(t, s, start.Add(time.Second), 200*time.Microsecond)
	shows(t, s, start.Add(10*time.Second), 2*time.Millisecond)
}

func TestWithKeepsTheDriftGathered(t *testing.T) {
	s := NewSkewed(Faults{Drift: 200}, start)
	s = s.With(Faults{Drift: -100, Offset: time.Second}, start.Add(10*time.Second))
	shows(t, s, start.Add(10*time.Second), time.Second+2*time.Millisecond)
	shows(t, s, start.Add(20*time.Second), time.Second+time.Millisecond)
	s = s.With(Faults{}, start.Add(20*time.Second))
	shows(t, s, start.Add(time.Hour), time.Millisecond)
}

func TestStrobeSwingsEachPeriod(t *testing.T) {
	s := NewSkewed(Faults{Strobe: Strobe{Amplitude: time.Millisecond, Period: time.Second}}, 0)
	for i := range 6 {
		want := Instant(time.Millisecond)
		if i%2 == 1 {
			want = -want
		}
		at := Instant(i) * Instant(time.Second)
		if got := s.Shows(at) - at; got != want {
			t.Errorf("in period %d the clock is off by %d, want %d", i, got, want)
		}
	}
}

func TestFreezeHoldsAndThaws(t *testing.T) {
	s := NewSkewed(Faults{Offset: time.Minute, Drift: 200}, start).Freeze(start.Add(time.Second), time.Second)
	held := s.Shows(start.Add(time.Second))
	if want := start.Add(time.Second + time.Minute + 200*time.Microsecond); held != want {
		t.Errorf("frozen it shows %d, want %d", held, want)
	}
	if got := s.Shows(start.Add(2*time.Second - 1)); got != held {
		t.Errorf("just before the thaw it shows %d, want %d", got, held)
	}
	shows(t, s, start.Add(2*time.Second), time.Minute+400*time.Microsecond)
}

// A frozen clock that is frozen again goes on showing the same.
func TestFreezeAgainShowsTheSame(t *testing.T) {
	s := Skewed{}.Freeze(start, time.Second).Freeze(start.Add(time.Second/2), time.Second)
	if got := s.Shows(start.Add(1400 * time.Millisecond)); got != start {
		t.Errorf("it shows %d, want %d", got, start)
	}
	shows(t, s, start.Add(1500*time.Millisecond), 0)
}

func TestReadClaimsItsErrorWhateverTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claim := time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "error"))
		offset := time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "offset"))
		s := NewSkewed(Faults{Offset: offset, Error: claim}, start)
		v := s.Read(start)
		if v.HalfWidth() != claim || v.Midpoint() != s.Shows(start) {
			t.Fatalf("it reads %v, claiming %s about %d", v, claim, s.Shows(start))
		}
		if honest := offset.Abs() <= claim; v.Contains(start) != honest {
			t.Fatalf("offset %s, claim %s: contains true time is %t", offset, claim, v.Contains(start))
		}
	})
}
