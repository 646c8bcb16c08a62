package logical

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// model is a frontier the obvious way.
type model map[Origin]Seq

func (w model) includes(v model) bool {
	for o, n := range v {
		if w[o] < n {
			return false
		}
	}
	return true
}

func (w model) join(v model) model {
	u := maps.Clone(w)
	for o, n := range v {
		u[o] = max(u[o], n)
	}
	return u
}

func (w model) frontier() Frontier {
	var f Frontier
	for o, n := range w {
		f.Advance(Dot{o, n})
	}
	return f
}

// both draws both forms of one set. Few origins, so that sets meet; enough to
// pass the length from which find searches by halves.
func both(t *rapid.T, name string) (Frontier, model) {
	w := model(rapid.MapOfN(rapid.Custom(func(t *rapid.T) Origin { return Origin(rapid.IntRange(1, 14).Draw(t, "origin")) }),
		rapid.Custom(func(t *rapid.T) Seq { return Seq(rapid.IntRange(1, 4).Draw(t, "seq")) }), 0, 12).Draw(t, name))
	return w.frontier(), w
}

func dot(t *rapid.T) Dot {
	return Dot{Origin(rapid.IntRange(1, 14).Draw(t, "origin")), Seq(rapid.IntRange(0, 5).Draw(t, "seq"))}
}

func equal(f Frontier, w model) bool {
	got := model{}
	for d := range f.All() {
		got[d.Origin] = d.Seq
	}
	return maps.Equal(got, w) && f.Len() == len(w)
}

func TestFrontierIsWhatItsTwinSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, v := both(t, "f")
		g, w := both(t, "g")
		d := dot(t)
		if !equal(f, v) {
			t.Fatalf("%v is not %v", f, v)
		}
		if f.At(d.Origin) != v[d.Origin] || f.Covers(d) != (d.Seq <= v[d.Origin]) {
			t.Fatalf("%v: At or Covers of %v is wrong", f, d)
		}
		if f.Includes(g) != v.includes(w) {
			t.Fatalf("%v includes %v: got %t", f, g, f.Includes(g))
		}
		lacks := uint64(0)
		for o, seq := range v {
			lacks += uint64(max(seq, w[o]) - w[o])
		}
		if got := f.Beyond(g); got != lacks {
			t.Fatalf("%v has %d beyond %v, not %d", f, lacks, g, got)
		}
		if j := f.Join(g); !equal(j, v.join(w)) {
			t.Fatalf("%v joined with %v is %v", f, g, j)
		}
		want := [2][2]Order{{Concurrent, Before}, {After, Equal}}[index(v.includes(w))][index(w.includes(v))]
		if got := f.Compare(g); got != want {
			t.Fatalf("%v against %v is %s, want %s", f, g, got, want)
		}
	})
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFrontierIsALattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, _ := both(t, "f")
		g, _ := both(t, "g")
		h, _ := both(t, "h")
		same := func(law string, a, b Frontier) {
			if a.Compare(b) != Equal || a.Digest() != b.Digest() || a.String() != b.String() {
				t.Fatalf("%s: %v is not %v", law, a, b)
			}
		}
		same("commutes", f.Join(g), g.Join(f))
		same("associates", f.Join(g).Join(h), f.Join(g.Join(h)))
		same("idempotent", f.Join(f), f)
		same("unit", f.Join(Frontier{}), f)
		if j := f.Join(g); !j.Includes(f) || !j.Includes(g) || h.Includes(f) && h.Includes(g) && !h.Includes(j) {
			t.Fatalf("%v is not the least frontier that includes %v and %v", j, f, g)
		}
		same("absorbs", f.Join(f.Meet(g)), f)
		if m := f.Meet(g); !f.Includes(m) || !g.Includes(m) || f.Includes(h) && g.Includes(h) && !m.Includes(h) {
			t.Fatalf("%v is not the greatest frontier that %v and %v include", m, f, g)
		}
		if f.Includes(g) != (f.Join(g).Compare(f) == Equal) {
			t.Fatalf("order and join of %v and %v disagree", f, g)
		}
	})
}

func TestAdvanceAddsOneDotAndKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, w := both(t, "f")
		d := dot(t)
		f.Advance(d)
		if d.Seq > 0 {
			w[d.Origin] = max(w[d.Origin], d.Seq)
		}
		if !equal(f, w) {
			t.Fatalf("advanced by %v: %v, want %v", d, f, w)
		}
		if all := slices.Collect(f.All()); !slices.IsSortedFunc(all, Dot.Compare) {
			t.Fatalf("%v is not sorted", f)
		}
	})
}

func TestFrontiersShareNoMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, v := both(t, "f")
		g, w := both(t, "g")
		clone, union := f.Clone(), f.Join(g)
		for o := range Origin(15) {
			clone.Advance(Dot{o + 1, 9})
			union.Advance(Dot{o + 1, 9})
		}
		if !equal(f, v) || !equal(g, w) {
			t.Fatalf("advancing a clone or a union changed %v or %v", v, w)
		}
	})
}

func TestFrontiersReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, _ := both(t, "f")
		if got, err := ParseFrontier(f.String()); err != nil || got.Compare(f) != Equal {
			t.Fatalf("%s reads back as %v, %v", f, got, err)
		}
	})
}

func TestParseFrontierRefuses(t *testing.T) {
	for _, s := range []string{
		"", "{", "}", "{}{", "{ }", "[]", "00c0ffee00c0ffee:1", "{00c0ffee00c0ffee-1}", "{00c0ffee00c0ffee:0}", "{00c0ffee00c0ffee:1 }",
		"{00c0ffee00c0ffee:1  10c0ffee00c0ffee:1}", "{10c0ffee00c0ffee:1 00c0ffee00c0ffee:1}", "{00c0ffee00c0ffee:1 00c0ffee00c0ffee:2}",
	} {
		if f, err := ParseFrontier(s); err == nil || f.Len() != 0 || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%q reads as %v, %v", s, f, err)
		}
	}
}

func FuzzParseFrontier(f *testing.F) {
	f.Add("{}")
	f.Add("{00c0ffee00c0ffee:17 ffffffffffffffff:18446744073709551615}")
	f.Fuzz(func(t *testing.T, s string) {
		if read, err := ParseFrontier(s); err == nil && read.String() != s {
			t.Errorf("%q reads as %v", s, read)
		}
	})
}

func TestDigestTellsFrontiersApart(t *testing.T) {
	seen := map[uint64]Frontier{}
	for o := range Origin(40) {
		for n := range Seq(200) {
			f := FrontierOf(Dot{o + 1, n + 1})
			if g, ok := seen[f.Digest()]; ok {
				t.Fatalf("%v and %v have the same digest", f, g)
			}
			seen[f.Digest()] = f
		}
	}
}

func TestOrderNames(t *testing.T) {
	for o, want := range map[Order]string{Equal: "equal", Before: "before", After: "after", Concurrent: "concurrent"} {
		if o.String() != want {
			t.Errorf("order %d is called %s, want %s", o, o, want)
		}
	}
}

// Copies are equal to what they are copied from, and none changes with another.
func TestCopiesShareNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var copies Copies
		var all []Frontier
		var want []string
		for range rapid.IntRange(1, 40).Draw(t, "copies") {
			var f Frontier
			for i := range rapid.SampledFrom([]int{0, 1, 2, 31, 32, 33, 130}).Draw(t, "origins") {
				f.Advance(Dot{Origin(i + 1), Seq(rapid.IntRange(1, 9).Draw(t, "seq"))})
			}
			c := copies.Of(f)
			if f.Compare(c) != Equal {
				t.Fatalf("%s is copied to %s", f, c)
			}
			o := Origin(rapid.IntRange(1, 40).Draw(t, "origin"))
			c.Advance(Dot{o, c.At(o) + 1})
			all, want = append(all, c), append(want, c.String())
		}
		for i, c := range all {
			if c.String() != want[i] {
				t.Fatalf("copy %d was %s and is %s", i, want[i], c)
			}
		}
	})
}
