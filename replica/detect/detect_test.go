package detect_test

import (
	"math"
	"testing"
	"time"

	"kvd/replica/detect"
)

// The values of the normal tail, which no approximation may stand for.
func TestPhiIsTheExactTail(t *testing.T) {
	for _, c := range []struct{ x, want float64 }{{0, 0.30103}, {1.281552, 1}, {3.090232, 3}, {5.612001, 8}, {37, 299.24}, {60, 300}} {
		if got := detect.Phi(c.x, 0, 1); math.Abs(got-c.want) > 0.2*math.Max(0.001, c.want/100) {
			t.Errorf("phi at %v deviations is %v, want %v", c.x, got, c.want)
		}
	}
}

func beating(every time.Duration, n int) (*detect.Detector, time.Duration) {
	d, now := detect.New(detect.Defaults(every)), time.Hour
	for range n {
		now += every
		d.Beat(now)
	}
	return d, now
}

// suspectedAfter is how long after the last beat phi reaches 8.
func suspectedAfter(d *detect.Detector, now time.Duration) time.Duration {
	for silent := time.Duration(0); ; silent += 10 * time.Millisecond {
		if d.Phi(now+silent) >= detect.Gone {
			return silent
		}
	}
}

func TestSilenceIsSuspectedAndForgiven(t *testing.T) {
	d, now := beating(200*time.Millisecond, 100)
	if phi := d.Phi(now + 200*time.Millisecond); phi > 0.1 {
		t.Errorf("phi is %v when the next beat is due", phi)
	}
	first := suspectedAfter(d, now)
	if first < 1200*time.Millisecond || first > 1400*time.Millisecond { // 0.7 s and 5.6 deviations of 0.1 s
		t.Errorf("gone after %s", first)
	}
	if got := d.Silence(detect.Gone); got > first || got < first-10*time.Millisecond {
		t.Errorf("gone after %s, and it says %s", first, got)
	}
	d.Hear(now + first)
	if phi := d.Phi(now + first + time.Millisecond); phi > 0.1 {
		t.Errorf("phi is %v right after something was heard", phi)
	}
}

// An outage of a minute is no interval: the next one is noticed as soon.
func TestAnOutageIsNotLearnt(t *testing.T) {
	d, now := beating(200*time.Millisecond, 100)
	before := suspectedAfter(d, now)
	for range 20 {
		now += time.Minute
		d.Beat(now)
		now += 200 * time.Millisecond
		d.Beat(now)
	}
	if after := suspectedAfter(d, now); after > before+50*time.Millisecond {
		t.Errorf("gone after %s, and after outages %s", before, after)
	}
}

// Beats that come less regularly are waited for longer.
func TestIrregularityIsLearnt(t *testing.T) {
	d, now := detect.New(detect.Defaults(200*time.Millisecond)), time.Hour
	for i := range 400 {
		now += []time.Duration{20 * time.Millisecond, 600 * time.Millisecond}[i%2]
		d.Beat(now)
	}
	regular, at := beating(200*time.Millisecond, 100)
	if got, want := suspectedAfter(d, now), suspectedAfter(regular, at)+time.Second; got < want {
		t.Errorf("gone after %s, want more than %s", got, want)
	}
}

// Whoever stood still itself heard nobody, and holds it against nobody.
func TestAPausedProcessSuspectsItself(t *testing.T) {
	var w detect.Watch
	d, now := beating(200*time.Millisecond, 100)
	const every = 100 * time.Millisecond
	w.Tick(now, every)
	if late := w.Tick(now+every+200*time.Millisecond, every); late != 0 {
		t.Errorf("a tick that is a little late counts %s", late)
	}
	now += every + 200*time.Millisecond + 10*time.Second
	late := w.Tick(now, every)
	if late < 9*time.Second || d.Phi(now) < detect.Gone {
		t.Fatalf("late by %s, phi %v", late, d.Phi(now))
	}
	d.Excuse(now + 400*time.Millisecond)
	if phi := d.Phi(now + 300*time.Millisecond); phi != 0 {
		t.Errorf("excused, and phi is %v", phi)
	}
	if phi := d.Phi(now + 3*time.Second); phi < detect.Gone {
		t.Errorf("still silent long after that, and phi is %v", phi)
	}
}

func TestAnswersAreWaitedForAsLongAsTheyTake(t *testing.T) {
	l := detect.Timeout{Min: 20 * time.Millisecond, Max: 5 * time.Second}
	if l.Limit() != l.Max {
		t.Errorf("%s before the first answer", l.Limit())
	}
	l.Observe(100 * time.Millisecond)
	if got := l.Limit(); got != 300*time.Millisecond { // RFC 6298: R + 4 R/2
		t.Errorf("%s after one answer of 100ms", got)
	}
	for range 100 {
		l.Observe(100 * time.Millisecond)
	}
	if got := l.Limit(); got < 100*time.Millisecond || got > 110*time.Millisecond {
		t.Errorf("%s after many answers of 100ms", got)
	}
	was := l.Limit()
	l.Expire()
	if l.Limit() != 2*was {
		t.Errorf("%s after one that did not come, %s before", l.Limit(), was)
	}
	for range 100 {
		l.Expire()
	}
	if l.Limit() != l.Max {
		t.Errorf("%s after many that did not come", l.Limit())
	}
	l.Observe(100 * time.Millisecond)
	if l.Limit() > 2*was {
		t.Errorf("%s once it answers again", l.Limit())
	}
}
