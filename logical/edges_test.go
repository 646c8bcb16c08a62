package logical

import (
	"math"
	"math/big"
	"testing"
	"time"
)

// walls are instants beside each other, and those at which differences and sums
// leave 64 bits.
var walls = []int64{math.MinInt64, math.MinInt64 + 1, -2, -1, 0, 1, 2, math.MaxInt64 - 1, math.MaxInt64}

// stamps is every stamp of the walls that is next to another.
func stamps() []HLC {
	var all []HLC
	for _, w := range walls {
		for _, c := range []uint32{0, 1, 2, math.MaxUint32 - 1, math.MaxUint32} {
			all = append(all, HLC{w, c})
		}
	}
	return all
}

// A stamp is refused exactly when it is above the clock and its wall is further
// ahead than may be: not one nanosecond sooner or later, and not because a
// difference wraps.
func TestTheDriftGuardIsExact(t *testing.T) {
	for _, h := range stamps() {
		for _, m := range stamps() {
			for _, wall := range walls {
				ahead := new(big.Int).Sub(big.NewInt(m.Wall), big.NewInt(wall))
				for _, drift := range []time.Duration{0, 1, 2, math.MaxInt64} {
					want, absorbed := h, true
					switch {
					case m.Compare(h) <= 0:
					case ahead.Cmp(big.NewInt(int64(drift))) > 0:
						absorbed = false
					default:
						want = m
					}
					if got, ok := h.Merge(m, wall, drift); got != want || ok != absorbed {
						t.Fatalf("a clock at %v hears of %v when it is %d, at most %d ahead: %v, %t; want %v, %t", h, m, wall, drift, got, ok, want, absorbed)
					}
				}
			}
		}
	}
}

// The next stamp is the wall's where that is later, and else the very next one.
func TestTheNextStampIsTheWallOrTheVeryNext(t *testing.T) {
	all := stamps()
	for _, h := range all[:len(all)-1] { // after the very last there is none
		for _, wall := range walls {
			want := HLC{h.Wall, h.Count + 1}
			switch {
			case wall > h.Wall:
				want = HLC{Wall: wall}
			case h.Count == math.MaxUint32:
				want = HLC{Wall: h.Wall + 1}
			}
			if got := h.Next(wall); got != want {
				t.Errorf("%v when it is %d is followed by %v, want %v", h, wall, got, want)
			}
		}
	}
}

func TestStampsAreComparedByWallThenCount(t *testing.T) {
	all := stamps() // ascending
	for i, h := range all {
		for j, g := range all {
			if got := h.Compare(g); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%v against %v is %d", h, g, got)
			}
		}
	}
}

// One op raises the counter by one: a leader that counted faster would be taken for
// one that lies (see the bound on stamps in replica).
func TestLamportCountsByOne(t *testing.T) {
	for _, l := range []Lamport{0, 1, 2, math.MaxUint64 - 1} {
		if n := l.Next(); n != l+1 {
			t.Errorf("%d is followed by %d", l, n)
		}
		for _, m := range []Lamport{0, 1, 2, 3, math.MaxUint64} {
			if got := l.Merge(m); got < l || got < m || got != l && got != m {
				t.Errorf("%d having heard of %d is %d", l, m, got)
			}
		}
	}
}

// Looking an origin up is another way in short frontiers and in long ones.
func TestFrontiersOfEveryLengthFindTheirOrigins(t *testing.T) {
	for n := range 24 {
		w := model{}
		for i := range n {
			w[Origin(2*i+2)] = Seq(i + 2)
		}
		f := w.frontier()
		if !equal(f, w) {
			t.Fatalf("%v is not %v", f, w)
		}
		for o := Origin(1); o <= Origin(2*n+3); o++ {
			if f.At(o) != w[o] {
				t.Errorf("%v at %s is %d, want %d", f, o, f.At(o), w[o])
			}
			for _, d := range []Dot{{o, w[o]}, {o, w[o] + 1}, {o, 1}, {o, 0}} {
				g, v := f.Clone(), w.join(model{d.Origin: d.Seq})
				if v[o] == 0 {
					delete(v, o)
				}
				if g.Advance(d); !equal(g, v) {
					t.Errorf("%v advanced by %v is %v", f, d, g)
				}
				if f.Covers(d) != (d.Seq <= w[o]) {
					t.Errorf("%v covers %v: %t", f, d, f.Covers(d))
				}
			}
		}
	}
}

func TestFrontiersAreWrittenWithOneSpaceBetween(t *testing.T) {
	for want, f := range map[string]Frontier{
		"{}":                    {},
		"{00c0ffee00c0ffee:17}": FrontierOf(Dot{0xc0ffee00c0ffee, 17}),
		"{00c0ffee00c0ffee:17 10c0ffee00c0ffee:3}": FrontierOf(Dot{0x10c0ffee00c0ffee, 3}, Dot{0xc0ffee00c0ffee, 17}),
	} {
		if f.String() != want {
			t.Errorf("%s is written %s", want, f)
		}
	}
}

func TestDotsAreOrderedByOriginThenPlace(t *testing.T) {
	var all []Dot // ascending
	for o := range Origin(4) {
		for n := range Seq(4) {
			all = append(all, Dot{o, n})
		}
	}
	for i, d := range all {
		for j, e := range all {
			if got := d.Compare(e); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%v against %v is %d", d, e, got)
			}
		}
		if d.IsZero() != (i == 0) {
			t.Errorf("%v is no operation: %t", d, d.IsZero())
		}
	}
}
