package wallclock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// machine is a clock and a stopwatch that true time drives.
type machine struct {
	wall  Skewed
	began Instant // where the stopwatch is at zero
}

func (m *machine) moment(at Instant) Moment {
	return Moment{Mono: Mono(at.Sub(m.began)), Wall: m.wall.Read(at)}
}

// round is one message each way at true time at: what a knows of b's clock after
// it, and when that was.
func round(r Remote, a, b *machine, at Instant, there, held, back time.Duration) (Remote, Instant) {
	left, sent := a.moment(at), at.Add(there+held)
	got := sent.Add(back)
	return r.Hear(Sample{
		Shows: b.moment(sent).Wall, Got: a.moment(got).Mono,
		Answer: true, Sent: left.Mono, Held: b.moment(sent).Mono.Sub(b.moment(at.Add(there)).Mono),
	}), got
}

// Whatever messages take, the true offset is within the bounds, and they are no
// wider than the fastest round of late and what the clocks may have drifted.
func TestRemoteBoundsTheTrueOffset(t *testing.T) {
	delay := rapid.Map(rapid.IntRange(0, 2000), func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond })
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *machine {
			f := Faults{Offset: time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, name+" offset")), Drift: float64(rapid.IntRange(-400, 400).Draw(t, name+" drift")), Error: time.Millisecond}
			return &machine{wall: NewSkewed(f, start), began: start.Add(-time.Duration(rapid.Int64Range(0, 1e15).Draw(t, name+" began")))}
		}
		a, b := draw("a"), draw("b")
		var r Remote
		at := start
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			there, held, back := delay.Draw(t, "there"), delay.Draw(t, "held"), delay.Draw(t, "back")
			r, at = round(r, a, b, at, there, held, back)
			at = at.Add(delay.Draw(t, "later"))
			truth := b.wall.Shows(at).Sub(a.wall.Shows(at))
			o, ok := r.Offset(a.moment(at))
			if !ok || truth < o.Earliest || truth > o.Latest {
				t.Fatalf("the clock is %s ahead; bounds %+v, known %t", truth, o, ok)
			}
			if width := o.Latest - o.Earliest; width > there+back+30*time.Millisecond {
				t.Fatalf("bounds %s wide after a round of %s", width, there+back)
			}
		}
	})
}

func TestRemoteHearsOneSideOnly(t *testing.T) {
	a, b := &machine{began: start}, &machine{wall: NewSkewed(Faults{Offset: time.Hour}, start), began: start}
	var r Remote
	if _, ok := r.Heard(); ok || r.Known() {
		t.Error("the zero Remote knows something")
	}
	r = r.Hear(Sample{Shows: b.moment(start).Wall, Got: a.moment(start).Mono})
	if _, ok := r.Offset(a.moment(start)); ok || r.Known() {
		t.Error("an upper bound is known from one side")
	}
	r, at := round(r, a, b, start, time.Millisecond, 0, time.Millisecond)
	if o, ok := r.Offset(a.moment(at)); !ok || o.Earliest > time.Hour || o.Latest < time.Hour || o.Midpoint() < time.Hour-time.Millisecond {
		t.Errorf("bounds %+v, known %t", o, ok)
	}
	// Without answers the lower bound still rises with what is heard.
	b.wall = b.wall.Step(time.Hour)
	r = r.Hear(Sample{Shows: b.moment(at).Wall, Got: a.moment(at).Mono})
	if r.Known() {
		t.Error("the old upper bound outlived a clock that was set ahead of it")
	}
}

// A step of the other clock is believed as soon as one round has seen it, either
// way; a step of ours shows without any.
func TestRemoteFollowsSteps(t *testing.T) {
	const ms = time.Millisecond
	a, b := &machine{began: start}, &machine{began: start.Add(-time.Hour)}
	r, at := round(Remote{}, a, b, start, ms, 5*ms, ms)
	for _, step := range []time.Duration{24 * time.Hour, -48 * time.Hour, 10 * ms, -10 * ms} {
		before := b.wall.Shows(at).Sub(at)
		b.wall = b.wall.Step(step)
		r, at = round(r, a, b, at, ms, 5*ms, ms)
		if o, ok := r.Offset(a.moment(at)); !ok || o.Earliest > before+step || o.Latest < before+step || o.Latest-o.Earliest > 3*ms {
			t.Errorf("after a step of %s: %+v, known %t, want %s", step, o, ok, before+step)
		}
	}
	ours := b.wall.Shows(at).Sub(at)
	a.wall = a.wall.Step(-time.Minute)
	if o, _ := r.Offset(a.moment(at)); o.Earliest > ours+time.Minute || o.Latest < ours+time.Minute || o.Latest-o.Earliest > 3*ms {
		t.Errorf("after a step of ours: %+v, want %s", o, ours+time.Minute)
	}
	if shows, ok := r.Shows(a.moment(at).Mono); !ok || !shows.Contains(b.wall.Shows(at)) {
		t.Errorf("a step of ours changed what the other shows: %v", shows)
	}
}

// Nonsense about how long a message was held gives no upper bound.
func TestRemoteBelievesNoImpossibleAnswer(t *testing.T) {
	for _, held := range []time.Duration{-1, time.Second, 1 << 62} {
		r := Remote{}.Hear(Sample{Shows: Around(start, 0), Got: 2000, Answer: true, Sent: 1000, Held: held})
		if r.Known() {
			t.Errorf("held for %s within a round of a microsecond: %+v", held, r)
		}
	}
}
