package resolve_test

import (
	"fmt"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/wallclock"
)

// A line of writes is lost at once to an unrelated write, and comes back at once when
// somebody has seen both. One Folder judges lines that fit its first memory, just
// do not, and are much longer, in turn.
func TestFolderForgetsTheLastFold(t *testing.T) {
	var used resolve.Folder
	for _, length := range []int{3, 13, 12, 500, 1, 5000, 14, 2} {
		o, h, unrelated, peace := line(t, length)
		var fresh resolve.Folder
		for _, op := range []*resolve.Op{unrelated, peace} {
			want := fresh.Fold(resolve.Panel{Serving: resolve.LWW, Shadows: resolve.Causal.Mask()}, o.Clone(), op, h, nil)
			got := used.Fold(resolve.Panel{Serving: resolve.LWW, Shadows: resolve.Causal.Mask()}, o, op, h, nil)
			if err := h.Insert(got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d writes: a used folder gives %d verdicts, a fresh one %d", length, len(got), len(want))
			}
			if lost := len(h.Losses(resolve.LWW)); lost != map[*resolve.Op]int{unrelated: length}[op] {
				t.Errorf("%d writes: %d are lost after %s", length, lost, op.Value)
			}
		}
	}
}

// line is a key that one leader has written length times, each over the last; what
// somebody unrelated then writes; and what is written over both.
func line(t *testing.T, length int) (*resolve.Object, *resolvetest.History, *resolve.Op, *resolve.Op) {
	l := resolvetest.NewLeader(resolve.Panel{Serving: resolve.LWW, Shadows: resolve.Causal.Mask()}, "k", 10)
	for i := range length {
		if _, err := l.Accept(put(fmt.Sprint(i)), wallclock.Instant(1000+i)); err != nil {
			t.Fatal(err)
		}
	}
	later := func(value string, seq logical.Seq, parents ...logical.Dot) *resolve.Op {
		at := wallclock.Instant(100_000 + seq)
		op := &resolve.Op{Key: "k", Kind: resolve.Put, Value: []byte(value), Dot: logical.Dot{Origin: 20, Seq: seq}, Parents: parents,
			Wall: wallclock.Around(at, 0), HLC: logical.HLC{Wall: int64(at)}, Lamport: logical.Lamport(at)}
		l.History.Admit(op)
		return op
	}
	unrelated := later("unrelated", 1)
	return l.Object, l.History, unrelated, later("peace", 2, logical.Dot{Origin: 10, Seq: logical.Seq(length)}, unrelated.Dot)
}

// Those who agree share a verdict; those who do not have their own.
func TestVerdictsAreSharedByThoseWhoAgree(t *testing.T) {
	s := newStory(t, served(resolve.LWW), "a", "b")
	s.clock("a", 9000, 0)
	first := s.do("a", put("ahead"))
	l := s.leaders["b"]
	l.History.Admit(first)
	l.Panel.Fold(l.Object, first, l.History, nil)
	second := &resolve.Op{Key: "k", Kind: resolve.Put, Value: []byte("behind"), Dot: logical.Dot{Origin: 20, Seq: 1},
		Wall: wallclock.Around(2000, 0), HLC: logical.HLC{Wall: 2000}, Lamport: first.Lamport + 1}
	l.History.Admit(second)
	want := []resolve.Verdict{
		{Resolvers: resolve.LWW.Mask() | resolve.HLC.Mask() | resolve.Interval.Mask() | resolve.Causal.Mask(),
			Relation: resolve.Concurrent, Loser: second.Dot, Winner: first.Dot},
		{Resolvers: resolve.Lamport.Mask(), Relation: resolve.Concurrent, Loser: first.Dot, Winner: second.Dot},
	}
	if got := l.Panel.Fold(l.Object, second, l.History, nil); !slices.Equal(got, want) {
		t.Errorf("verdicts\n%+v, want\n%+v", got, want)
	}
}
