package resolve_test

import (
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/resolve/resolvetest"
)

// judgedBy gives the leaders another panel: they fold their logs again.
func (s *story) judgedBy(p resolve.Panel, names ...string) {
	s.t.Helper()
	for _, n := range names {
		if err := s.leaders[n].Judge(p); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A counter that is asked later counts what is told of ops that no counter judged: a
// put leaves its number in the place of what its leader held, an addition adds, a
// deletion takes away what its leader held, and what was unseen stays.
func TestACounterAskedLaterCountsWhatWasMeant(t *testing.T) {
	plain, counter := resolve.Panel{Serving: resolve.Siblings}, resolve.Panel{Serving: resolve.Counter}
	ab := func(s *story) { s.ship("a", "b"); s.ship("b", "a") }
	for _, c := range []struct {
		what string
		play func(s *story)
		want string // empty: absent
	}{
		{"additions of two", func(s *story) { s.do("a", add(5)); s.do("b", add(3)); ab(s); s.do("a", add(1)) }, "9"},
		{"a put beside an addition to what was before", func(s *story) {
			s.do("a", put("5"))
			ab(s)
			s.do("b", add(3))
			s.do("a", put("10"))
		}, "13"},
		{"a put over an addition", func(s *story) { s.do("a", put("5")); ab(s); s.do("b", add(3)); ab(s); s.do("a", put("10")) }, "10"},
		{"two puts beside each other", func(s *story) { s.do("a", put("5")); s.do("b", put("7")) }, "12"},
		{"a word", func(s *story) { s.do("a", put("5")); s.do("a", put("word")) }, "0"},
		{"a deletion beside an addition", func(s *story) { s.do("a", put("5")); ab(s); s.do("b", add(3)); s.do("a", remove()) }, "3"},
		{"a deletion of all", func(s *story) { s.do("a", put("5")); ab(s); s.do("b", add(3)); ab(s); s.do("a", remove()) }, ""},
		{"an addition after a deletion of all", func(s *story) { s.do("a", put("5")); ab(s); s.do("a", remove()); ab(s); s.do("b", add(2)) }, "2"},
		{"an addition by the same after a deletion of all", func(s *story) { s.do("a", put("5")); s.do("a", remove()); s.do("a", add(2)) }, "2"},
		{"a put of who was shown nothing", func(s *story) { s.do("a", put("5")); ab(s); s.do("b", over(put("4"))) }, "9"},
		{"a put of who was shown one of two", func(s *story) {
			first := s.do("a", put("5"))
			ab(s)
			s.do("b", over(put("20")))
			s.do("b", over(put("6"), first.Dot))
		}, "26"}, // one more than the five it was shown, beside the twenty
		{"a deletion by who was shown nothing", func(s *story) { s.do("a", put("5")); ab(s); s.do("b", over(remove())) }, "5"},
		{"a deletion by who was shown one of two", func(s *story) {
			first := s.do("a", put("5"))
			ab(s)
			s.do("b", over(put("20")))
			s.do("b", over(remove(), first.Dot))
		}, "20"},
		{"one request at both", func(s *story) { s.do("a", request(add(3), 7)); s.do("b", request(add(3), 7)) }, "3"},
		{"one request at both, then more", func(s *story) {
			s.do("a", request(add(3), 7))
			s.do("b", request(add(3), 7))
			ab(s)
			s.do("a", add(1))
			s.do("b", add(1))
		}, "5"},
		{"one request at both, deleted at one", func(s *story) {
			s.do("a", request(add(3), 7))
			s.do("b", request(add(3), 7))
			s.do("a", remove())
		}, "0"}, // the other dot stands, and adds nothing
		{"what a counter had judged, and then none", func(s *story) {
			s.judgedBy(counter, "a", "b")
			s.do("a", add(5))
			ab(s)
			s.judgedBy(plain, "a", "b")
			s.do("a", add(2))
			s.do("b", add(1))
		}, "8"},
		{"what a counter had judged, deleted when none did", func(s *story) {
			s.judgedBy(counter, "a", "b")
			s.do("a", add(5))
			ab(s)
			s.do("b", add(1))
			s.judgedBy(plain, "a", "b")
			s.do("a", remove())
		}, "1"},
		{"what none had judged, deleted when a counter did", func(s *story) {
			s.do("a", add(5))
			ab(s)
			s.do("b", add(1))
			s.judgedBy(counter, "a", "b")
			s.do("a", remove())
		}, "1"},
		{"a deletion of the first of an origin's additions", func(s *story) { s.do("a", add(3)); ab(s); s.do("a", add(4)); s.do("a", add(5)); s.do("b", remove()) }, "9"},
		{"a put over the first of an origin's additions", func(s *story) { s.do("a", add(3)); ab(s); s.do("a", add(4)); s.do("b", put("10")) }, "14"},
		{"a deletion of the first of a counter's additions, when none judged", func(s *story) {
			s.judgedBy(counter, "a", "b")
			s.do("a", add(3))
			ab(s)
			s.do("a", add(4))
			s.do("a", add(5))
			s.judgedBy(plain, "b")
			s.do("b", remove())
		}, "9"},
		{"a deletion of the first of two additions, when a counter judged", func(s *story) {
			s.do("a", add(3))
			ab(s)
			s.do("a", add(4))
			s.judgedBy(counter, "b")
			s.do("b", remove())
		}, "4"},
		{"what none had judged, deleted when a counter did, and more", func(s *story) {
			s.do("a", add(5))
			ab(s)
			s.judgedBy(counter, "a", "b")
			s.do("b", remove())
			ab(s)
			s.judgedBy(plain, "a", "b")
			s.do("a", add(2))
		}, "2"},
	} {
		s := newStory(t, plain, "a", "b")
		c.play(s)
		ab(s)
		for _, shadows := range []resolve.Mask{0, resolve.All &^ resolve.Counter.Mask()} {
			s.judgedBy(resolve.Panel{Serving: resolve.Counter, Shadows: shadows}, "a", "b")
			for _, at := range []string{"a", "b"} {
				got := ""
				if v := s.values(at); len(v) > 0 {
					got = v[0]
				}
				if got != c.want {
					t.Errorf("%s: %s shows %q, want %q", c.what, at, got, c.want)
				}
			}
		}
	}
}

// What an op adds, and whether that was recorded, is read from it alone; of one from
// before that was recorded what it carries tells.
func TestWhatAnOpAdds(t *testing.T) {
	n := number.Of
	lww, counter := resolve.LWW.Mask(), resolve.Counter.Mask()
	for _, c := range []struct {
		what     string
		op       resolve.Op
		adds     int64
		recorded bool
	}{
		{"a put that a counter judged", resolve.Op{Kind: resolve.Put, Value: []byte("9"), Delta: n(4), Panel: counter}, 4, true},
		{"a put that none judged", resolve.Op{Kind: resolve.Put, Value: []byte("9"), Delta: n(4), Panel: lww}, 9, false},
		{"a word that none judged", resolve.Op{Kind: resolve.Put, Value: []byte("w"), Panel: lww}, 0, false},
		{"a put by who had not seen all", resolve.Op{Kind: resolve.Put, Value: []byte("9"), Delta: n(4), Panel: lww, Unseen: make([]logical.Dot, 1)}, 4, false},
		{"an addition that none judged", resolve.Op{Kind: resolve.Add, Value: []byte("9"), Delta: n(4), Panel: lww}, 4, false},
		{"an addition that a counter judged", resolve.Op{Kind: resolve.Add, Delta: n(4), Panel: lww | counter}, 4, true},
		{"an old op that adds nothing", resolve.Op{Kind: resolve.Add, Value: []byte("9")}, 0, true},
		{"an old op with a total", resolve.Op{Kind: resolve.Put, Value: []byte("9"), Delta: n(4), Total: n(4)}, 4, true},
		{"an old op whose total came to nothing", resolve.Op{Kind: resolve.Put, Value: []byte("9"), Delta: n(4), Prev: 3}, 4, true},
		{"an old op without a total", resolve.Op{Kind: resolve.Put, Value: []byte("9"), Delta: n(4)}, 9, false},
	} {
		delta, recorded := c.op.Adds()
		if delta != n(c.adds) || recorded != c.recorded {
			t.Errorf("%s adds %s, recorded: %t; want %d, %t", c.what, delta, recorded, c.adds, c.recorded)
		}
	}
}

// A deletion that names a total which was derived takes nothing of the recorded one
// that the origin went on from, in whatever order they arrive.
func TestADerivedTotalIsNoPlaceOfTheRecordedOne(t *testing.T) {
	counter := resolve.Panel{Serving: resolve.Counter}
	s := newStory(t, counter, "a", "b")
	s.do("a", add(5))
	s.judgedBy(resolve.Panel{Serving: resolve.Siblings}, "a")
	s.do("a", add(2))
	s.ship("a", "b")
	s.judgedBy(counter, "a")
	s.do("a", add(1))
	s.do("b", remove())
	s.ship("a", "b")
	s.ship("b", "a")
	a, b := resolvetest.Render(s.leaders["a"].Object), resolvetest.Render(s.leaders["b"].Object)
	if a != b {
		t.Errorf("objects differ:\n%s%s", a, b)
	}
	if got := s.values("a"); len(got) != 1 || got[0] != "1" {
		t.Errorf("shown are %v, want 1", got)
	}
}
