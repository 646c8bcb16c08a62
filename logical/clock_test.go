package logical

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func hlc(t *rapid.T, name string) HLC {
	return HLC{
		Wall:  rapid.Int64Range(-20, 20).Draw(t, name+" wall"),
		Count: rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(math.MaxUint32-2, math.MaxUint32)).Draw(t, name+" count"),
	}
}

func TestNextHLCIsAboveItsReceiverAndTheWall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, wall := hlc(t, "h"), rapid.Int64Range(-20, 20).Draw(t, "wall")
		n := h.Next(wall)
		if n.Compare(h) <= 0 || n.Wall < wall {
			t.Fatalf("%s at %d is followed by %s", h, wall, n)
		}
		if wall > h.Wall && n != (HLC{Wall: wall}) {
			t.Fatalf("%s at the later %d is followed by %s, which is not the wall", h, wall, n)
		}
	})
}

func TestHLCCountCarriesIntoTheWall(t *testing.T) {
	h := HLC{Wall: 7, Count: math.MaxUint32}
	if n := h.Next(3); n != (HLC{Wall: 8}) {
		t.Errorf("%s is followed by %s, want 8+0", h, n)
	}
	if n := (HLC{Wall: 7, Count: 1}).Next(7); n != (HLC{Wall: 7, Count: 2}) {
		t.Errorf("an unmoved wall gives %s, want the next count", n)
	}
}

func TestMergeIsTheGreaterUnlessTooFarAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, m := hlc(t, "h"), hlc(t, "m")
		wall, drift := rapid.Int64Range(-20, 20).Draw(t, "wall"), time.Duration(rapid.IntRange(0, 10).Draw(t, "drift"))
		got, ok := h.Merge(m, wall, drift)
		refuse := m.Compare(h) > 0 && m.Wall-wall > int64(drift)
		switch {
		case refuse && (ok || got != h):
			t.Fatalf("%s absorbed %s at %d with drift %d", h, m, wall, drift)
		case !refuse && (!ok || got.Compare(h) < 0 || got.Compare(m) < 0):
			t.Fatalf("%s merged with %s at %d is %s, %t", h, m, wall, got, ok)
		case got != h && got != m:
			t.Fatalf("%s merged with %s is %s, which is neither", h, m, got)
		}
	})
}

// Clocks that keep within eps of true time, all hearing of each other, never run
// further than 2·eps ahead of any wall, and every stamp is above all it has
// heard of (Kulkarni et al. 2014, theorem 3 and corollary 1).
func TestHLCStaysNearTheWallAlongEveryPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const eps, n = 10, 4
		var clocks [n]HLC
		var heard [n][]HLC
		now := int64(1000)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.Int64Range(0, 3).Draw(t, "pass")
			i, j := rapid.IntRange(0, n-1).Draw(t, "i"), rapid.IntRange(0, n-1).Draw(t, "j")
			wall := now + rapid.Int64Range(-eps, eps).Draw(t, "error")
			if rapid.Bool().Draw(t, "send") {
				clocks[i] = clocks[i].Next(wall)
				for _, h := range heard[i] {
					if clocks[i].Compare(h) <= 0 {
						t.Fatalf("%s is not above %s, which it had heard of", clocks[i], h)
					}
				}
				heard[i] = append(heard[i], clocks[i])
			} else {
				var ok bool
				if clocks[i], ok = clocks[i].Merge(clocks[j], wall, 2*eps); !ok {
					t.Fatalf("%s refused at %d", clocks[j], wall)
				}
				heard[i] = append(heard[i], heard[j]...)
			}
			if ahead := clocks[i].Wall - wall; ahead > 2*eps {
				t.Fatalf("%s is %d ahead of its wall %d", clocks[i], ahead, wall)
			}
		}
	})
}

func TestLamportRisesAlongEveryPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, m := Lamport(rapid.Uint32().Draw(t, "l")), Lamport(rapid.Uint32().Draw(t, "m"))
		if n := l.Merge(m).Next(); n <= l || n <= m {
			t.Fatalf("having heard of %d and %d, the next is %d", l, m, n)
		}
		if l.Merge(m) != m.Merge(l) || l.Merge(l) != l {
			t.Fatalf("merging %d and %d depends on order", l, m)
		}
	})
}

// A stamp so far ahead that the difference leaves 64 bits is refused like any
// other: absorbed, it would end the clock for good.
func TestMergeRefusesWhatIsFurtherAheadThanCanBeSaid(t *testing.T) {
	far := HLC{Wall: math.MaxInt64}
	if got, ok := (HLC{}).Merge(far, -1, time.Second); ok || got != (HLC{}) {
		t.Errorf("a clock at %d absorbed %s and is now %s", -1, far, got)
	}
}
