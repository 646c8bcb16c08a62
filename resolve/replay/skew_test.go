package replay

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// TestNoSkewIsTheHistoryAsItWas: at zero the curve is what lww really loses, ties
// included.
func TestNoSkewIsTheHistoryAsItWas(t *testing.T) {
	pasts := resolvetest.Pasts(served(resolve.HLC))
	rapid.Check(t, func(t *rapid.T) {
		past := pasts.Draw(t, "past")
		points, err := Skew(Curve{Skews: []time.Duration{0}, Draws: 2}, slices.Values(past.Ops))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if len(resolvetest.Writes(past.Ops)) > 0 {
			want = len(resolvetest.NewBrute(past.Panel, past.Key, past.Ops).Lost(resolve.LWW))
		}
		if p := points[0]; p.Least != want || p.Most != want || p.Mean != float64(want) || p.Accepted != len(resolvetest.Writes(past.Ops)) {
			t.Fatalf("%+v, want %d lost\n%s", p, want, past)
		}
	})
}

// TestSkewIsWhatRestampedOpsLose: every draw of the curve is the loss of ops that
// really bear the stamps it stands for.
func TestSkewIsWhatRestampedOpsLose(t *testing.T) {
	pasts := resolvetest.Pasts(served(resolve.LWW))
	rapid.Check(t, func(t *rapid.T) {
		past := pasts.Draw(t, "past")
		if len(resolvetest.Writes(past.Ops)) == 0 {
			return
		}
		seed := rapid.Uint64().Draw(t, "seed")
		skew := time.Duration(rapid.IntRange(1, 60).Draw(t, "skew"))
		c := Curve{Skews: []time.Duration{skew}, Draws: 3, Seed: seed}
		points, err := Skew(c, slices.Values(past.Ops))
		if err != nil {
			t.Fatal(err)
		}
		for n, lost := range points[0].draws {
			if want := restamped(c, skew, n, past.Ops); lost != want {
				t.Fatalf("draw %d: %d lost, want %d\n%s", n, lost, want, past)
			}
		}
	})
}

// restamped is what is lost of ops of one key that bear the stamps of a draw.
func restamped(c Curve, skew time.Duration, draw int, was []*resolve.Op) int {
	var ops []*resolve.Op
	for _, op := range was {
		again := *op
		wall, _, _ := op.Stamps()
		m := wall.Midpoint().Add(c.offset(skew, draw, op.Dot.Origin))
		again.Wall = wallclock.Interval{Earliest: m, Latest: m}
		if op.Expired != nil {
			e := *op.Expired
			e.Wall, again.Expired = again.Wall, &e
		}
		ops = append(ops, &again)
	}
	return len(resolvetest.NewBrute(served(resolve.LWW), was[0].Key, ops).Lost(resolve.LWW))
}

// TestTheCurveRises: three leaders write each key in turn, each over the last, in
// gaps from 300 µs to half a second; clocks that agree lose nothing, and the
// further apart they are the more is lost. Figure 8-3, by the thousand.
func TestTheCurveRises(t *testing.T) {
	ops := relayed(1000)
	points, err := Skew(Curve{Skews: Skews(), Draws: 5, Seed: 7}, slices.Values(ops))
	if err != nil {
		t.Fatal(err)
	}
	if points[0].Most != 0 {
		t.Errorf("%d lost without skew", points[0].Most)
	}
	for i := 1; i < len(points); i++ {
		if points[i].Mean <= points[i-1].Mean || points[i].Least > points[i].Most || points[i].Most > len(ops) {
			t.Errorf("the curve does not rise: %+v after %+v", points[i], points[i-1])
		}
	}
	again, _ := Skew(Curve{Skews: Skews(), Draws: 5, Seed: 7}, slices.Values(ops))
	if !reflect.DeepEqual(points, again) {
		t.Errorf("the same seed draws %+v, then %+v", points, again)
	}
}

// relayed is many keys, each written by three leaders in turn, each over the
// last.
func relayed(keys int) []*resolve.Op {
	var ops []*resolve.Op
	var applied logical.Frontier
	now := wallclock.Instant(0)
	for i := range 3 * keys {
		d := logical.Dot{Origin: logical.Origin(i%3 + 1), Seq: logical.Seq(i/3 + 1)}
		op := &resolve.Op{Dot: d, Key: fmt.Sprint(i / 3), Kind: resolve.Put, Lamport: logical.Lamport(i + 1),
			Wall: wallclock.Around(now, 0), Deps: applied.Clone()}
		if i%3 > 0 {
			op.Parents = []logical.Dot{ops[i-1].Dot}
		}
		applied.Advance(d)
		ops = append(ops, op)
		now = now.Add([...]time.Duration{300 * time.Microsecond, 5 * time.Millisecond, 40 * time.Millisecond, 500 * time.Millisecond}[i/3%4])
	}
	return ops
}

func TestCurvesThatMakeNoSense(t *testing.T) {
	for _, c := range []Curve{{Skews: Skews()}, {Draws: 1, Skews: []time.Duration{-1}}} {
		if _, err := Skew(c, slices.Values([]*resolve.Op(nil))); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
