package resolve_test

import (
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
)

// sums fails unless every named leader has applied everything and sums to want.
func (s *story) sums(want int64, names ...string) {
	s.t.Helper()
	for range names {
		for _, from := range names {
			for _, to := range names {
				s.ship(from, to)
			}
		}
	}
	for _, n := range names {
		if got, _ := s.leaders[n].Object.Sum(); got != number.Of(want) {
			s.t.Errorf("leader %s sums to %s, want %d", n, got, want)
		}
	}
}

func counters(t *testing.T, names ...string) *story {
	return newStory(t, served(resolve.Counter), names...)
}

// A deletion takes away what its author had seen; the total of an origin it had
// not seen all of must not come back with the rest.
func TestResetBesideAnAdditionLeavesTheAddition(t *testing.T) {
	s := counters(t, "a", "b")
	s.do("a", add(10))
	s.ship("a", "b")
	s.do("a", add(1))
	s.do("b", remove())
	s.sums(1, "a", "b")
}

// The key is deleted, counts again, and only then another deletion of the first
// life arrives: it has nothing to take away.
func TestResetOfAnEarlierLifeLeavesTheNewOne(t *testing.T) {
	s := counters(t, "a", "b")
	s.do("a", add(10))
	s.ship("a", "b")
	s.do("a", remove())
	s.do("a", add(1))
	s.do("b", remove())
	s.sums(1, "a", "b")
}

// The larger dot of a request was deleted and its origin counts again when the
// smaller dot arrives: the request stays deleted, and nothing of the new life may
// be taken back for it.
func TestDuplicateOfADeletedAdditionLeavesTheNewLife(t *testing.T) {
	s := counters(t, "a", "b")
	s.do("a", request(add(10), 1))
	s.do("b", request(add(10), 1))
	s.do("b", remove())
	s.do("b", add(1))
	s.sums(1, "a", "b")
}

func TestRetriedAdditionCountsOnce(t *testing.T) {
	s := counters(t, "a", "b", "c")
	s.do("b", request(add(5), 1))
	s.do("c", add(2))
	s.do("c", request(add(5), 1))
	s.do("c", add(3))
	s.sums(10, "a", "b", "c")
}

// What a deletion was shown may itself be a deletion, which carried no total:
// it tells the counter nothing about its origin, in whatever order it arrives.
func TestDeletionOverADeletionResetsTheSameInAnyOrder(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b", "c")
	s.do("a", add(10))
	gone := s.do("a", over(remove()))
	s.ship("a", "b")
	s.do("b", over(remove(), gone.Dot))
	s.ship("b", "c")
	s.do("a", add(1))
	s.ship("a", "c")
	s.sums(11, "a", "b", "c")
}

func TestDeletionNamesParentsThatCountedFirst(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a")
	sum := s.do("a", add(10))
	gone := s.do("a", over(remove()))
	op := s.do("a", over(remove(), gone.Dot, sum.Dot))
	if want := []logical.Dot{sum.Dot, gone.Dot}; !slices.Equal(op.Parents, want) {
		t.Errorf("parents are %v, want %v", op.Parents, want)
	}
	if want := []number.Int128{number.Of(10)}; !slices.Equal(op.Seen, want) {
		t.Errorf("seen are %v, want %v", op.Seen, want)
	}
}

// A register write sets the counter to its number whatever stood there, even
// where the difference leaves 64 bits: sums wrap round, and so does it.
func TestPutSetsTheSumAcrossTheWholeRange(t *testing.T) {
	const least, most = "-9223372036854775808", "9223372036854775807"
	for _, values := range [][]string{{least, most}, {most, least}, {least, "0"}, {least, "-1"}, {most, "-2"}} {
		s := counters(t, "a")
		for _, v := range values {
			s.do("a", put(v))
			if got := s.values("a"); !slices.Equal(got, []string{v}) {
				t.Errorf("%v: after a put of %s the counter shows %v", values, v, got)
			}
		}
	}
}

func TestAdditionThatLeavesTheRangeIsRefused(t *testing.T) {
	s := counters(t, "a")
	s.do("a", put("9223372036854775807"))
	l := s.leaders["a"]
	if _, err := l.Panel.Draft(l.Object, 10, add(1).Intent, l.History); err != resolve.ErrOverflow {
		t.Errorf("error is %v, want ErrOverflow", err)
	}
}

func TestVoidsAreGoneWithWhatTheyVoided(t *testing.T) {
	s := counters(t, "a", "b")
	s.do("a", request(add(5), 1))
	s.do("b", request(add(5), 1))
	s.ship("a", "b")
	s.ship("b", "a")
	s.do("b", add(1))
	s.do("a", remove())
	s.sums(1, "a", "b")
	for i := range s.leaders["b"].Object.Versions {
		if v := &s.leaders["b"].Object.Versions[i]; v.Count.Voids != nil {
			t.Errorf("version %s keeps voids %v", v.Dot, v.Count.Voids)
		}
	}
}

func TestOnlyCountedVersionsHoldNoValue(t *testing.T) {
	s := counters(t, "a", "b")
	s.do("a", put("1000"))
	s.ship("a", "b")
	s.do("b", add(1))
	for i := range s.leaders["b"].Object.Versions {
		if v := &s.leaders["b"].Object.Versions[i]; (v.Value == nil) != (v.Mask == resolve.Counter.Mask()) {
			t.Errorf("version %s kept by %v holds value %q", v.Dot, v.Mask.Names(), v.Value)
		}
	}
}

// Several requests of several leaders each: whichever dot of one arrives when, it is
// taken back once.
func TestManyRetriedAdditionsCountOnce(t *testing.T) {
	names := []string{"a", "b", "c"}
	s := counters(t, names...)
	for client := range uint64(3) {
		for _, n := range names {
			s.do(n, request(add(5), 1+client))
		}
	}
	s.ship("b", "c")
	s.sums(15, names...)
}

// A deletion of what an origin added first leaves what it added next, under whichever
// dot that counts.
func TestADeletionLeavesARetriedAdditionBehindIt(t *testing.T) {
	s := counters(t, "a", "b", "c")
	s.do("b", add(1))
	s.ship("b", "c")
	s.do("b", request(add(5), 1))
	s.do("a", request(add(5), 1))
	s.ship("a", "b")
	s.do("c", remove())
	s.sums(5, "a", "b", "c")
}

// Of two retried additions a deletion had seen the first: that is taken away under the
// dot where it counts, and the second stays.
func TestADeletionTakesARetriedAdditionWhereItCounts(t *testing.T) {
	s := counters(t, "a", "b", "c")
	s.do("b", request(add(5), 1))
	s.ship("b", "c")
	s.do("b", request(add(40), 2))
	s.do("a", request(add(5), 1))
	s.do("a", request(add(40), 2))
	s.ship("a", "b")
	s.do("c", remove())
	s.sums(40, "a", "b", "c")
}

// An addition says nothing of when the key ends, unless it was told to.
func TestAPlainAdditionStatesNoDeadline(t *testing.T) {
	s := counters(t, "a")
	s.do("a", add(1))
	s.do("a", add(1))
	o := s.leaders["a"].Object
	if e, stated := o.Deadline(); stated || o.HasTTL() {
		t.Errorf("it ends: %t, as stated by %+v: %t", o.HasTTL(), e, stated)
	}
}

// What the log holds no more cannot be taken back: nobody knows how much it was.
func TestAForgottenDuplicateIsLeftAlone(t *testing.T) {
	s := counters(t, "a", "b", "c")
	s.do("a", request(add(5), 1))
	forgotten := s.do("b", request(add(5), 1))
	s.ship("b", "c")
	s.leaders["c"].History.Forget(forgotten.Dot)
	s.ship("a", "c")
	if got, _ := s.leaders["c"].Object.Sum(); got != number.Of(10) {
		t.Errorf("the sum is %s, want 10", got)
	}
}
