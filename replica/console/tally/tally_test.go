package tally

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

func loss(n int, id resolve.ID, r resolve.Relation) resolve.Verdict {
	return resolve.Verdict{Resolvers: id.Mask(), Relation: r, Loser: logical.Dot{Origin: 1, Seq: logical.Seq(n)}}
}

func TestLossesAreCountedWhereTheyHappen(t *testing.T) {
	all, rule := New(), resolve.Rule{Prefix: "a:", Resolver: resolve.LWW}
	all.Add("a:x", rule, loss(1, resolve.LWW, resolve.Inverted), 10)
	all.Add("a:x", rule, loss(2, resolve.LWW, resolve.Concurrent), 20)
	all.Add("a:y", rule, loss(3, resolve.HLC, resolve.Concurrent), 30) // it only watches
	all.Add("a:y", rule, loss(4, resolve.LWW, resolve.Superseded), 40) // nothing is lost
	both := loss(5, resolve.LWW, resolve.Concurrent)
	both.Resolvers |= resolve.HLC.Mask()
	all.Add("b", resolve.Rule{Resolver: resolve.LWW}, both, 50)
	back := loss(2, resolve.LWW, resolve.Concurrent)
	back.Retracted = true
	all.Add("a:x", rule, back, 60)

	s := all.Snapshot()
	want := map[Cell]Counts{
		{"", resolve.LWW}: {0, 1, 0}, {"", resolve.HLC}: {0, 1, 0},
		{"a:", resolve.LWW}: {1, 1, 1}, {"a:", resolve.HLC}: {0, 1, 0},
	}
	if len(s.Cells) != len(want) {
		t.Fatalf("the cells are %v", s.Cells)
	}
	for i, c := range s.Cells {
		if s.Counts[i] != want[c] {
			t.Errorf("%v has %+v, want %+v", c, s.Counts[i], want[c])
		}
	}
	if len(s.Keys) != 2 || *s.Keys[0] != (Key{"a:x", 1, 0, 20}) || *s.Keys[1] != (Key{"b", 1, 0, 50}) {
		t.Errorf("the keys are %+v, %+v", s.Keys[0], s.Keys[1])
	}
	var told []string
	for _, l := range s.Recent {
		told = append(told, fmt.Sprintf("%d %s %t %t", l.Number, l.Key, l.Serving, l.Retracted))
	}
	if got := strings.Join(told, "; "); s.Last != 5 || s.Served != 4 || got != "1 a:x true false; 2 a:x true false; 3 a:y false false; 4 b true false; 5 a:x true true" {
		t.Errorf("the last %d, %d served, are %s", s.Last, s.Served, got)
	}
}

// TestBounds adds more keys and losses than there is room for: what is held stays within
// its bound, and the key that lost most by far is counted within its error.
func TestBounds(t *testing.T) {
	all, rule, dice := New(), resolve.Rule{Resolver: resolve.LWW}, rand.New(rand.NewPCG(1, 2))
	const rare = 20 * maxKeys
	hot := 0
	for i := range rare {
		for range dice.IntN(3) {
			hot++
			all.Add("hot", rule, loss(i, resolve.LWW, resolve.Concurrent), wallclock.Instant(i))
		}
		all.Add(fmt.Sprintf("rare%d", i), rule, loss(i, resolve.LWW, resolve.Concurrent), 0)
		all.Add("watched", rule, loss(i, resolve.HLC, resolve.Concurrent), 0)
	}
	all.Add(strings.Repeat("x", maxKey+1), rule, loss(1, resolve.LWW, resolve.Inverted), 0)
	s := all.Snapshot()
	if len(s.Keys) != maxKeys || len(s.Recent) != 2*maxRecent || s.Recent[0].Number >= s.Recent[1].Number {
		t.Errorf("%d keys and %d losses are held, the first %d", len(s.Keys), len(s.Recent), s.Recent[0].Number)
	}
	top := s.Keys[0]
	if top.Key != "hot" || top.Lost < uint64(hot) || top.Lost-top.Over > uint64(hot) {
		t.Errorf("hot lost %d, and is told as %+v", hot, top)
	}
	for _, k := range s.Keys[1:] {
		if k.Lost-k.Over > 1 || k.Lost == 0 {
			t.Errorf("%s lost one, and is told as %+v", k.Key, k)
		}
	}
	for i, c := range s.Cells {
		if c.Resolver == resolve.LWW && (s.Counts[i] != Counts{1, uint64(hot + rare), 0}) {
			t.Errorf("lww lost %d, and is told as %+v", hot+rare, s.Counts[i])
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	all, rule := New(), resolve.Rule{Resolver: resolve.LWW}
	v := loss(1, resolve.LWW, resolve.Concurrent)
	v.Resolvers |= resolve.HLC.Mask() | resolve.Causal.Mask()
	for i := range b.N {
		all.Add("key", rule, v, wallclock.Instant(i))
	}
}
