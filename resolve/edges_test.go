package resolve_test

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// What a key shows depends on time exactly where some value of it can end.
func TestATTLIsWhatCanExpire(t *testing.T) {
	for _, c := range []struct {
		what string
		v    resolve.Version
		want bool
	}{
		{"a value for ever", resolve.Version{Kind: resolve.Put}, false},
		{"a value with a deadline", resolve.Version{Kind: resolve.Put, Expires: 1}, true},
		{"an expiry", resolve.Version{Kind: resolve.Delete, Expires: 1}, false},
		{"a deletion", resolve.Version{Kind: resolve.Delete}, false},
		{"a counter of which something is stated", resolve.Version{Kind: resolve.Add, Count: resolve.Count{Deadlines: []resolve.Deadline{{}}}}, true},
	} {
		o := resolve.Object{Versions: []resolve.Version{{Kind: resolve.Put}, c.v}}
		if o.HasTTL() != c.want {
			t.Errorf("%s can end: %t", c.what, !c.want)
		}
	}
	if (&resolve.Object{}).HasTTL() {
		t.Error("nothing can end")
	}
}

// The end of a value is stamped just above all that it ends, whatever the order in
// which they are named, and whether or not each is still there.
func TestAnEndIsJustAboveWhatItEnds(t *testing.T) {
	wall := func(at wallclock.Instant) wallclock.Interval {
		return wallclock.Interval{Earliest: at - 2, Latest: at + 2}
	}
	o := &resolve.Object{Key: "k", Versions: []resolve.Version{
		{Dot: logical.Dot{Origin: 1, Seq: 1}, Wall: wall(-50), HLC: logical.HLC{Wall: -70}, Lamport: 5},
		{Dot: logical.Dot{Origin: 2, Seq: 1}, Wall: wall(-60), HLC: logical.HLC{Wall: -60, Count: 3}, Lamport: 9},
		{Dot: logical.Dot{Origin: 3, Seq: 1}, Wall: wall(-55), HLC: logical.HLC{Wall: -60, Count: 2}, Lamport: 7},
	}}
	gone := logical.Dot{Origin: 9, Seq: 9}
	want := &resolve.Expiry{Wall: wallclock.Interval{Earliest: -51, Latest: -47}, HLC: logical.HLC{Wall: -60, Count: 4}, Lamport: 10}
	d := func(i int) logical.Dot { return o.Versions[i].Dot }
	for _, dots := range [][]logical.Dot{
		{d(0), d(1), d(2)}, {d(2), d(1), d(0)}, {d(1), d(0), d(2)}, {gone, d(0), d(1)}, {d(1), gone, d(0), gone},
	} {
		if got := o.JustAbove(dots); !reflect.DeepEqual(got, want) {
			t.Errorf("above %v: %+v, want %+v", dots, got, want)
		}
	}
	last := resolve.Version{
		Dot: gone, Wall: wallclock.Interval{Earliest: math.MaxInt64, Latest: math.MaxInt64},
		HLC: logical.HLC{Wall: math.MaxInt64, Count: math.MaxUint32}, Lamport: math.MaxUint64,
	}
	o.Versions = append(o.Versions, last)
	if got := o.JustAbove([]logical.Dot{gone}); *got != (resolve.Expiry{Wall: last.Wall, HLC: last.HLC, Lamport: last.Lamport}) {
		t.Errorf("above the last stamps there are: %+v", got)
	}
}

// What an op states about ends holds against all that its leader held.
func TestStatementsRankAboveWhatWasHeld(t *testing.T) {
	dot, other := logical.Dot{Origin: 7, Seq: 3}, logical.Dot{Origin: 8, Seq: 1}
	at := func(n int64) logical.HLC { return logical.HLC{Wall: n} }
	own := resolve.Stamp{HLC: at(10), By: dot}
	nobody := resolve.Stamp{}
	for _, c := range []struct {
		what    string
		kind    resolve.Kind
		expires wallclock.Instant
		held    resolve.Stamp // as drafted
		ranked  resolve.Stamp
		says    resolve.Stamp
	}{
		{"a put that repeats a deadline", resolve.Put, 99, resolve.Stamp{HLC: at(50), By: other}, resolve.Stamp{HLC: at(50), By: other}, resolve.Stamp{HLC: at(50), By: other}},
		{"a plain put", resolve.Put, 0, nobody, nobody, nobody},
		{"a plain put over an older statement", resolve.Put, 0, resolve.Stamp{HLC: at(9)}, own, own},
		{"a plain put over one as new", resolve.Put, 0, resolve.Stamp{HLC: at(10)}, resolve.Stamp{HLC: logical.HLC{Wall: 10, Count: 1}, By: dot}, resolve.Stamp{HLC: logical.HLC{Wall: 10, Count: 1}, By: dot}},
		{"a put with a deadline", resolve.Put, 99, nobody, nobody, own},
		{"a put with a deadline over an older statement", resolve.Put, 99, resolve.Stamp{HLC: at(9)}, nobody, own},
		{"a put with a deadline over a newer one", resolve.Put, 99, resolve.Stamp{HLC: at(11)}, resolve.Stamp{HLC: logical.HLC{Wall: 11, Count: 1}, By: dot}, resolve.Stamp{HLC: logical.HLC{Wall: 11, Count: 1}, By: dot}},
		{"a deletion", resolve.Delete, 0, resolve.Stamp{HLC: at(11)}, nobody, nobody},
		{"an expiry", resolve.Delete, 99, resolve.Stamp{HLC: at(11)}, nobody, nobody},
		{"an addition", resolve.Add, 0, resolve.Stamp{HLC: at(11)}, nobody, nobody},
		{"an addition with a deadline", resolve.Add, 99, nobody, nobody, own},
		{"an addition with a deadline over a newer one", resolve.Add, 99, resolve.Stamp{HLC: at(11)}, resolve.Stamp{HLC: logical.HLC{Wall: 11, Count: 1}, By: dot}, resolve.Stamp{HLC: logical.HLC{Wall: 11, Count: 1}, By: dot}},
		{"a touch", resolve.Touch, 99, nobody, nobody, own},
		{"a touch that takes a deadline away", resolve.Touch, 0, resolve.Stamp{HLC: at(9)}, nobody, own},
		{"a touch that takes a newer one away", resolve.Touch, 0, resolve.Stamp{HLC: at(11)}, resolve.Stamp{HLC: logical.HLC{Wall: 11, Count: 1}, By: dot}, resolve.Stamp{HLC: logical.HLC{Wall: 11, Count: 1}, By: dot}},
	} {
		op := resolve.Op{Dot: dot, Kind: c.kind, Expires: c.expires, HLC: at(10), Stated: c.held}
		if op.Rank(); op.Stated != c.ranked {
			t.Errorf("%s is ranked %+v, want %+v", c.what, op.Stated, c.ranked)
		}
		if says, ok := op.Statement(); says != c.says || ok != (c.says != nobody) {
			t.Errorf("%s states %+v, %t; want %+v", c.what, says, ok, c.says)
		}
	}
}

// A write that keeps the deadline keeps the one of the value that is shown and has
// not ended, and says whose word that is.
func TestWhatIsKeptIsTheDeadlineShown(t *testing.T) {
	for _, id := range resolve.IDs() {
		s := newStory(t, served(id), "a")
		l := s.leaders["a"]
		kept := func(now wallclock.Instant) (wallclock.Instant, logical.Dot) {
			op, err := l.Panel.Draft(l.Object, 10, resolve.Intent{Kind: resolve.Put, Value: []byte("1"), Keep: true, Now: now}, l.History)
			if err != nil {
				t.Fatal(err)
			}
			return op.Expires, op.Stated.By
		}
		check := func(what string, now, want wallclock.Instant, by logical.Dot) {
			t.Helper()
			if at, who := kept(now); at != want || who != by {
				t.Errorf("%s: %s at %d keeps %d, by %s; want %d, by %s", id, what, now, at, who, want, by)
			}
		}
		check("nothing", 2000, 0, logical.Dot{})
		s.do("a", put("1"))
		check("a value for ever", 2000, 0, logical.Dot{})
		first := s.do("a", ending(put("2"), 5000))
		check("a deadline", 4999, 5000, first.Dot)
		check("a deadline that has come", 5000, 0, logical.Dot{})
		second := s.do("a", touch(6000))
		check("another deadline", 5999, 6000, second.Dot)
		check("another deadline that has come", 6000, 0, logical.Dot{})
		s.do("a", remove())
		check("a deletion", 2000, 0, logical.Dot{})
	}
}

// A sum may be anything that 64 bits hold; an addition that leaves them is refused,
// and one that comes back is not.
func TestAdditionsAreRefusedExactlyBeyond64Bits(t *testing.T) {
	for _, c := range []struct {
		base  string
		delta int64
		sum   string // empty: refused
	}{
		{"9223372036854775806", 1, "9223372036854775807"},
		{"9223372036854775807", 0, "9223372036854775807"},
		{"9223372036854775807", 1, ""},
		{"9223372036854775807", math.MaxInt64, ""},
		{"-9223372036854775807", -1, "-9223372036854775808"},
		{"-9223372036854775808", -1, ""},
		{"-9223372036854775808", math.MinInt64, ""},
		{"-9223372036854775808", math.MaxInt64, "-1"},
	} {
		for _, id := range resolve.IDs() {
			s := newStory(t, served(id), "a")
			s.do("a", put(c.base))
			l := s.leaders["a"]
			op, err := l.Panel.Draft(l.Object, 10, add(c.delta).Intent, l.History)
			if refused := errors.Is(err, resolve.ErrOverflow); refused != (c.sum == "") || !refused && (err != nil || string(op.Value) != c.sum) {
				t.Errorf("%s: %s and %d is %s, %v; want %q", id, c.base, c.delta, op.Value, err, c.sum)
			}
		}
	}
}

// Beyond 64 bits, where only additions of several leaders lead, what takes the sum
// further away is refused and what brings it nearer is not.
func TestASumBeyond64BitsCanComeBack(t *testing.T) {
	for _, sign := range []int64{1, -1} {
		s := newStory(t, served(resolve.Counter), "a", "b")
		s.do("a", add(sign*math.MaxInt64))
		s.do("b", add(sign*10))
		s.ship("b", "a")
		l := s.leaders["a"]
		for _, delta := range []int64{1, 0, -1, -5, -100} {
			_, err := l.Panel.Draft(l.Object, 10, add(sign*delta).Intent, l.History)
			if refused := errors.Is(err, resolve.ErrOverflow); refused != (delta >= 0) {
				t.Errorf("%d more, beyond 64 bits by ten: %v", sign*delta, err)
			}
		}
	}
}

// A dot is found in objects of few versions and of many, whoever is asked for.
func TestVersionsAreFoundInObjectsOfEverySize(t *testing.T) {
	for n := range 40 {
		o := &resolve.Object{Key: "k"}
		for i := range n {
			o.Versions = append(o.Versions, resolve.Version{Dot: logical.Dot{Origin: logical.Origin(i/3*2 + 2), Seq: logical.Seq(i%3*2 + 2)}})
		}
		for origin := range logical.Origin(2*n/3 + 4) {
			for seq := range logical.Seq(9) {
				d := logical.Dot{Origin: origin, Seq: seq}
				at := slices.IndexFunc(o.Versions, func(v resolve.Version) bool { return v.Dot.Compare(d) >= 0 })
				if at < 0 {
					at = n
				}
				if got, ok := o.Find(d); got != at || ok != (at < n && o.Versions[at].Dot == d) {
					t.Fatalf("%s among %d: %d, %t; want %d", d, n, got, ok, at)
				}
			}
		}
	}
}
