package resolve_test

import (
	"fmt"
	"slices"
	"testing"

	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// ending gives the write a deadline.
func ending(a resolvetest.Asked, at wallclock.Instant) resolvetest.Asked {
	a.Expires = at
	return a
}

// shows is what the leader shows at now, when that ends, and what has ended.
func shows(l *resolvetest.Leader, now wallclock.Instant) string {
	r, ends := l.Panel.ReadAt(l.Object, l.History, now)
	return fmt.Sprintf("%s until %d, %d dots, %d ended", r.Values, ends, len(r.Dots), len(l.Panel.Expired(l.Object, now, nil)))
}

func TestValueEndsAtItsDeadlineUnderEveryResolver(t *testing.T) {
	for _, id := range resolve.IDs() {
		s := newStory(t, served(id), "a")
		s.do("a", ending(put("1"), 5000))
		for now, want := range map[wallclock.Instant]string{
			4999: "[1] until 5000, 1 dots, 0 ended",
			5000: "[] until 0, 1 dots, 1 ended",
			5001: "[] until 0, 1 dots, 1 ended",
		} {
			if got := shows(s.leaders["a"], now); got != want {
				t.Errorf("%s at %d shows %s, want %s", id, now, got, want)
			}
		}
	}
}

func TestSiblingsEndOneByOne(t *testing.T) {
	s := newStory(t, served(resolve.Siblings), "a")
	s.do("a", over(ending(put("soon"), 5000)))
	s.do("a", over(put("never")))
	s.do("a", over(ending(put("late"), 6000)))
	for now, want := range map[wallclock.Instant]string{
		4999: "[soon never late] until 5000, 3 dots, 0 ended",
		5000: "[never late] until 0, 3 dots, 1 ended",
		6000: "[never] until 0, 3 dots, 2 ended",
	} {
		if got := shows(s.leaders["a"], now); got != want {
			t.Errorf("at %d: %s, want %s", now, got, want)
		}
	}
}

// touch states a deadline for what the leader shows.
func touch(at wallclock.Instant) resolvetest.Asked {
	return ending(resolvetest.Asked{Intent: resolve.Intent{Kind: resolve.Touch}}, at)
}

// The deadline is the key's, and of those stated the last holds.
func TestCounterEndsAsLastStated(t *testing.T) {
	s := newStory(t, served(resolve.Counter), "a", "b")
	s.do("a", ending(add(1), 5000))
	s.do("b", ending(add(2), 6000))
	s.ship("b", "a")
	for now, want := range map[wallclock.Instant]string{
		5999: "[3] until 6000, 2 dots, 0 ended",
		6000: "[] until 0, 2 dots, 2 ended",
	} {
		if got := shows(s.leaders["a"], now); got != want {
			t.Errorf("at %d: %s, want %s", now, got, want)
		}
	}
	s.do("a", touch(0))
	if got := shows(s.leaders["a"], 7000); got != "[3] until 0, 2 dots, 0 ended" {
		t.Errorf("once it is told never to end: %s", got)
	}
}

// An addition beside a deadline: neither takes anything from the other.
func TestAdditionBesideATouchKeepsBoth(t *testing.T) {
	s := newStory(t, served(resolve.Counter), "a", "b")
	s.do("a", add(1))
	s.ship("a", "b")
	s.do("b", add(1))
	s.ship("b", "a")
	s.do("a", touch(5000))
	s.do("b", add(40))
	s.ship("a", "b")
	s.ship("b", "a")
	for _, at := range []string{"a", "b"} {
		if got := shows(s.leaders[at], 2000); got != "[42] until 5000, 2 dots, 0 ended" {
			t.Errorf("%s shows %s", at, got)
		}
	}
}

// A counter expires at one leader and another adds to it meanwhile, unheard: the addition
// stays, as nobody who ended the key had seen it, and the deadline ended with the rest.
func TestAnAdditionBesideAnExpiryStaysWithoutDeadline(t *testing.T) {
	s := newStory(t, served(resolve.Counter), "a", "b")
	s.do("a", add(5))
	s.ship("a", "b")
	s.do("a", touch(2000))
	s.do("b", add(1))
	if op, err := s.leaders["a"].Expire(2000); err != nil || op == nil {
		t.Fatalf("nothing expires: %v", err)
	}
	s.ship("a", "b")
	s.ship("b", "a")
	for _, at := range []string{"a", "b"} {
		if got := shows(s.leaders[at], 3000); got != "[1] until 0, 2 dots, 0 ended" {
			t.Errorf("%s shows %s", at, got)
		}
	}
}

// What a deadline was stated about is gone: the value that won was given none, and
// a deadline alone brings nothing back.
func TestTouchBesideAWriteLeavesTheNewValueAlone(t *testing.T) {
	for _, id := range resolve.IDs() {
		if id == resolve.Counter {
			continue
		}
		s := newStory(t, served(id), "a", "b")
		s.do("a", put("1"))
		s.ship("a", "b")
		s.do("a", put("2"))
		s.do("b", touch(5000))
		s.ship("a", "b")
		s.ship("b", "a")
		for _, at := range []string{"a", "b"} {
			if got := shows(s.leaders[at], 2000); got != "[2] until 0, 1 dots, 0 ended" {
				t.Errorf("%s: %s shows %s", id, at, got)
			}
		}
		s.audit("a", "b")
	}
}

// Whoever has seen a deadline can change it, however far ahead the clock was of
// whoever stated it.
func TestTouchHoldsAgainstWhatItHasSeen(t *testing.T) {
	for _, id := range resolve.IDs() {
		s := newStory(t, served(id), "a", "b")
		s.do("a", put("1"))
		s.ship("a", "b")
		s.clock("b", 1_000_000, 0)
		s.do("b", touch(5000))
		s.ship("b", "a")
		s.do("a", touch(6000))
		s.ship("a", "b")
		for _, at := range []string{"a", "b"} {
			if got := shows(s.leaders[at], 2000); got != "[1] until 6000, 1 dots, 0 ended" {
				t.Errorf("%s: %s shows %s", id, at, got)
			}
		}
	}
}

// Reading at a time at which nothing has ended is reading.
func TestReadAtWithoutDeadlinesIsRead(t *testing.T) {
	for _, id := range resolve.IDs() {
		s := newStory(t, served(id), "a", "b")
		s.do("a", put("1"))
		s.do("b", put("2"))
		s.ship("b", "a")
		l := s.leaders["a"]
		now, _ := l.Panel.ReadAt(l.Object, l.History, 1<<60)
		if ever := l.Panel.Read(l.Object, l.History); fmt.Sprint(now) != fmt.Sprint(ever) {
			t.Errorf("%s reads %v, at a time %v", id, ever, now)
		}
	}
}

func TestAdditionLeavesOutWhatHasEnded(t *testing.T) {
	s := newStory(t, served(resolve.Siblings), "a")
	ended := s.do("a", over(ending(put("40"), 5000)))
	s.do("a", over(put("3")))
	l := s.leaders["a"]
	for now, want := range map[wallclock.Instant]string{0: "42", 4999: "42", 5000: "5"} {
		in := add(2).Intent
		in.Now = now
		op, err := l.Panel.Draft(l.Object, 10, in, l.History)
		if err != nil || string(op.Value) != want {
			t.Errorf("at %d the sum is %s, %v; want %s", now, op.Value, err, want)
		}
		if !slices.Contains(op.Parents, ended.Dot) {
			t.Errorf("at %d the parents are %v; they name what was shown, ended or not", now, op.Parents)
		}
	}
}
