package replay

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// generator makes a long history of three leaders that hear of each other every
// round: in a round each writes keys of its own, and one op in ten goes to a key
// that another leader writes in that round too. Half are additions, half plain
// writes. One op is lent at a time.
type generator struct {
	*rand.Rand
	states  []state
	applied logical.Frontier // by everybody, at the beginning of the round
	seq     [leaders]logical.Seq
	lamport logical.Lamport
	now     wallclock.Instant
	op      resolve.Op

	mine, before []int // keys that this leader and the one before wrote in this round
}

const (
	leaders  = 3
	perRound = 100 // ops of one leader
)

// state is a key at the beginning of a round and what is written in it.
type state struct {
	live  []logical.Dot
	shown logical.Dot
	stamp wallclock.Instant
	next  []logical.Dot
	total [leaders]int64
	prev  [leaders]logical.Seq
}

// generate is ops writes to keys keys.
func generate(seed uint64, ops, keys int) iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) {
		g := &generator{Rand: newRand(seed), states: make([]state, keys), now: 1_000_000_000_000}
		for n := 0; n < ops; {
			written := map[int]bool{}
			for leader := range leaders {
				for i := range perRound {
					if n == ops || !yield(g.write(leader, g.choose(leader, i, written))) {
						return
					}
					n++
				}
			}
			g.exchange(written)
		}
	}
}

// choose is a key: one in ten is one that the leader before wrote in this round.
func (g *generator) choose(leader, i int, written map[int]bool) int {
	key := g.IntN(len(g.states)/leaders)*leaders + leader
	if i%10 == 0 && leader > 0 {
		key = g.IntN(len(g.states)/leaders)*leaders + leader - 1
		if n := i / 10; n < len(g.before) {
			key = g.before[n]
		}
	}
	written[key] = true
	if g.mine = append(g.mine, key); len(g.mine) == perRound {
		g.before, g.mine = g.mine, nil
	}
	return key
}

func (g *generator) write(leader, key int) *resolve.Op {
	s := &g.states[key]
	g.seq[leader]++
	g.lamport++
	g.now += wallclock.Instant(g.IntN(1000))
	d := logical.Dot{Origin: logical.Origin(leader+1) << 40, Seq: g.seq[leader]}
	deps := g.applied.Clone()
	deps.Advance(logical.Dot{Origin: d.Origin, Seq: d.Seq - 1})
	stamp := g.now + wallclock.Instant(leader)*1_000_000
	g.op = resolve.Op{Dot: d, Key: fmt.Sprintf("key/%06d", key), Deps: deps,
		Wall: wallclock.Around(stamp, 5_000_000), HLC: logical.HLC{Wall: int64(stamp)}, Lamport: g.lamport}
	for _, l := range s.live {
		if l == s.shown {
			g.op.Parents = append(g.op.Parents, l)
		} else {
			g.op.Hidden = append(g.op.Hidden, l)
		}
	}
	g.content(s, leader)
	s.next = append(s.next, d)
	if stamp > s.stamp {
		s.stamp, s.shown = stamp, d
	}
	return &g.op
}

func (g *generator) content(s *state, leader int) {
	op := &g.op
	op.Kind, op.Prev = resolve.Put, s.prev[leader]
	if g.IntN(2) == 0 {
		op.Kind, op.Delta = resolve.Add, number.Of(1)
		s.total[leader]++
	}
	op.Total, op.Value = number.Of(s.total[leader]), strconv.AppendInt(nil, s.total[leader], 10)
	s.prev[leader] = op.Dot.Seq
}

// exchange ends a round: everybody has heard of everything.
func (g *generator) exchange(written map[int]bool) {
	for i, q := range g.seq {
		g.applied.Advance(logical.Dot{Origin: logical.Origin(i+1) << 40, Seq: q})
	}
	for key := range written {
		s := &g.states[key]
		s.live, s.next = s.next, nil
	}
}
