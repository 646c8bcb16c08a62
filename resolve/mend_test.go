package resolve_test

import (
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/resolve/resolvetest"
)

// twice is an origin whose first dot was given to two additions, of 5 and of 7. The
// leader at hand folded the 5 and went on from it, one by one; another had folded the
// 7, and its deletion takes that away.
type twice struct {
	*resolvetest.Replica
	t *testing.T
}

func newTwice(t *testing.T, more int) twice {
	s := twice{resolvetest.NewReplica(resolve.Panel{Serving: resolve.Counter}, "k"), t}
	for n := 0; n <= more; n++ {
		op := resolve.Op{Kind: resolve.Add, Dot: logical.Dot{Origin: 1, Seq: logical.Seq(1 + n)}, Delta: number.Of(1),
			Total: number.Of(int64(5 + n)), Prev: logical.Seq(n)}
		if n == 0 {
			op.Delta = op.Total
		}
		s.fold(op)
	}
	return s
}

func (s twice) fold(op resolve.Op) {
	op.Key, op.Panel = "k", resolve.Counter.Mask()
	if err := s.Apply(&op); err != nil {
		s.t.Fatal(err)
	}
}

// takes folds a deletion that had seen the first dot carry a total.
func (s twice) takes(seq logical.Seq, total int64, settles logical.Dot) {
	first := logical.Dot{Origin: 1, Seq: 1}
	s.fold(resolve.Op{Kind: resolve.Delete, Dot: logical.Dot{Origin: 2, Seq: seq}, Settles: settles,
		Parents: []logical.Dot{first}, Seen: []number.Int128{number.Of(total)}})
}

func (s twice) sums(what string, want int64) {
	s.t.Helper()
	if got, _ := s.Object.Sum(); got != number.Of(want) {
		s.t.Errorf("%s: the sum is %s, want %d\n%s", what, got, want, resolvetest.Render(s.Object))
	}
}

// A deletion of the one total takes the other away: what came after it stays. The log is
// followed back for as long as that is cheap; beyond, what the deletion says is believed.
func TestADeletionOfOneContentTakesTheOther(t *testing.T) {
	for _, more := range []int{1, 2, 3, 64, 65} {
		s := newTwice(t, more)
		s.takes(1, 7, logical.Dot{})
		s.sums("followed back", int64(more))
	}
	s := newTwice(t, 66)
	s.takes(1, 7, logical.Dot{})
	s.sums("too long to follow", 64)
	for what, gone := range map[string]logical.Seq{"an addition on the way is truncated": 2, "the newest addition is truncated": 4} {
		s = newTwice(t, 3)
		s.History.Forget(logical.Dot{Origin: 1, Seq: gone})
		s.takes(1, 7, logical.Dot{})
		s.sums(what, 1)
	}
}

// The deletion of a mend finds that another, which had seen the other total, has taken
// the dot away already: then it puts right what that has left.
func TestAMendPutsRightWhatADeletionOfTheOtherContentTook(t *testing.T) {
	first := logical.Dot{Origin: 1, Seq: 1}
	for _, c := range []struct {
		what    string
		settles logical.Dot
		want    int64
	}{
		{"a deletion of a mend", first, 1},
		{"a deletion of another dot's mend", logical.Dot{Origin: 1, Seq: 2}, -1},
		{"a plain deletion", logical.Dot{}, -1},
	} {
		s := newTwice(t, 1)
		newest := logical.Dot{Origin: 1, Seq: 2}
		op, _ := s.History.Op(newest)
		s.History.Forget(newest)
		s.takes(1, 7, logical.Dot{})
		s.sums("before", -1)
		s.History.Admit(op)
		s.takes(2, 5, c.settles)
		s.sums(c.what, c.want)
	}
	s := newTwice(t, 1)
	s.takes(1, 5, first)
	s.sums("a mend of what nobody has taken away", 1)
	further := newTwice(t, 2)
	further.fold(resolve.Op{Kind: resolve.Delete, Dot: logical.Dot{Origin: 2, Seq: 1},
		Parents: []logical.Dot{{Origin: 1, Seq: 2}}, Seen: []number.Int128{number.Of(6)}})
	further.takes(2, 5, first)
	further.sums("a mend of what was taken away with more", 1)
	all := newTwice(t, 0)
	all.takes(1, 5, first)
	all.sums("a mend of all there is", 0)
	gone := newTwice(t, 0)
	gone.takes(1, 5, logical.Dot{})
	gone.takes(2, 5, first)
	gone.sums("a mend where nothing is left", 0)
}

// Nothing was live at the op's leader, and here something is: a new life of the key
// begins, and nothing of the old one reaches into it.
func TestWhereNothingWasLiveANewSumBegins(t *testing.T) {
	s := newTwice(t, 0)
	s.fold(resolve.Op{Kind: resolve.Add, Dot: logical.Dot{Origin: 1, Seq: 2}, Delta: number.Of(3), Total: number.Of(3)})
	s.sums("after a new beginning", 3)
	if base := s.Object.Versions[0].Count.Base; base != (resolve.Base{Seq: 1}) {
		t.Errorf("it begins at %+v", base)
	}
}

// The deletion's author had been shown the second content of a dot, which is a write to
// another key here: it takes nothing of what the origin had added before.
func TestADeletionOfWhatIsAnotherKeysTakesNothing(t *testing.T) {
	s := newTwice(t, 0)
	s.fold(resolve.Op{Kind: resolve.Delete, Dot: logical.Dot{Origin: 2, Seq: 1},
		Parents: []logical.Dot{{Origin: 1, Seq: 2}}, Seen: []number.Int128{number.Of(9)}})
	s.sums("after the deletion", 5)
	if base := s.Object.Versions[0].Count.Base; base != (resolve.Base{}) {
		t.Errorf("the sum begins at %+v", base)
	}
}
