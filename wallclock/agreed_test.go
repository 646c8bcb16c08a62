package wallclock_test

import (
	"testing"
	"time"

	"kvd/wallclock"
)

const (
	day  = 24 * time.Hour
	hold = time.Minute
)

var trust = wallclock.Trust{Near: time.Second, Hold: hold}

// looks plays clocks against each other: at each second of true time the own clock
// and the peers' are off by what is given for it, the last for the rest.
func looks(own []time.Duration, peers ...[]time.Duration) (agreed, surely []time.Duration) {
	off := func(d []time.Duration, i int) time.Duration { return d[min(i, len(d)-1)] }
	var a wallclock.Agreement
	const start = 1_000_000 * time.Second
	for i := range 3 * int(hold/time.Second) {
		now := wallclock.Mono(time.Duration(i) * time.Second)
		truth := wallclock.Instant(start) + wallclock.Instant(now)
		var shown []wallclock.Instant
		for _, p := range peers {
			shown = append(shown, truth.Add(off(p, i)))
		}
		a = a.Observe(wallclock.Moment{Mono: now, Wall: wallclock.Around(truth.Add(off(own, i)), time.Millisecond)}, shown, trust)
		agreed = append(agreed, a.Time(now).Sub(truth))
		surely = append(surely, a.Surely(now).Sub(truth))
	}
	return agreed, surely
}

func most(all []time.Duration) (m time.Duration) {
	for _, d := range all {
		if d.Abs() > m.Abs() {
			m = d
		}
	}
	return m
}

func TestOneClockAloneMovesNothing(t *testing.T) {
	right := []time.Duration{0}
	for name, jump := range map[string]time.Duration{"ahead": day, "back": -day} {
		briefly := []time.Duration{0, 0, jump, jump, 0}
		for who, got := range map[string][]time.Duration{
			"alone":                 first(looks(briefly)),
			"own, one peer":         first(looks(briefly, right)),
			"own, two peers":        first(looks(briefly, right, right)),
			"a peer, of one":        first(looks(right, briefly)),
			"a peer, of two":        first(looks(right, briefly, right)),
			"own for ever":          first(looks([]time.Duration{0, 0, jump}, right, right)),
			"own from the start":    first(looks([]time.Duration{jump}, right, right)),
			"a peer from the start": first(looks(right, right, []time.Duration{jump})),
			"two of five":           first(looks([]time.Duration{0, jump}, right, right, right, []time.Duration{0, jump})),
		} {
			if m := most(got); m != 0 {
				t.Errorf("%s, %s: the agreed time is off by %s", name, who, m)
			}
		}
	}
}

func first(agreed, _ []time.Duration) []time.Duration { return agreed }

// What contradicts the only peer there is ends nothing for good.
func TestSurelyIsContradictedByNobody(t *testing.T) {
	_, surely := looks([]time.Duration{day}, []time.Duration{0})
	if m := most(surely); m != 0 {
		t.Errorf("two clocks contradict each other, and %s is sure", m)
	}
}

// Nobody contradicts a leader without peers, and a clock that was set stays set.
func TestALastingStepIsBelieved(t *testing.T) {
	agreed, _ := looks([]time.Duration{0, 0, day})
	at := 2 + int(hold/time.Second)
	if agreed[at-1] != 0 || agreed[at] != day {
		t.Errorf("a step after two seconds is believed to %s just before it has lasted, and to %s then", agreed[at-1], agreed[at])
	}
}

// All clocks step together where machines slept: their stopwatches stood.
func TestAStepThatMostConfirmIsBelievedAtOnce(t *testing.T) {
	slept := []time.Duration{0, 0, day}
	for name, got := range map[string][]time.Duration{
		"both of two":  first(looks(slept, slept)),
		"two of three": first(looks(slept, slept, []time.Duration{0})),
		"all of three": first(looks(slept, slept, slept)),
	} {
		if got[2] != day {
			t.Errorf("%s: %s", name, got[2])
		}
	}
}

// A clock that is slewed is followed, however long nobody looked.
func TestASlewedClockIsFollowed(t *testing.T) {
	var a wallclock.Agreement
	a = a.Observe(wallclock.Moment{Mono: 0, Wall: wallclock.Interval{}}, nil, trust)
	later := wallclock.Mono(time.Hour)
	shows := wallclock.Instant(time.Hour + 3*time.Second)
	a = a.Observe(wallclock.Moment{Mono: later, Wall: wallclock.Around(shows, 0)}, nil, trust)
	if a.Time(later) != shows {
		t.Errorf("after an hour the agreed time is %d, the clock shows %d", a.Time(later), shows)
	}
}
