package oracle

import (
	"math"
	"math/bits"

	"kvd/logical"
	"kvd/scenarios/script"
)

// counts is what the ops of one counter add up to. Every origin keeps one running
// total, and whoever is shown one of its dots is shown all that went into it. How much
// of a counter an op or a reading has seen is therefore a version vector.
type counts struct {
	g       *graph
	origins map[logical.Origin]int
	sums    [][]total // by origin: what its first n additions come to
	twice   []int32   // updates that add and were accepted several times
	*counted
}

// counted is what is known of the ops of all counters, by op.
type counted struct {
	index []int32  // its number among the additions of its origin to the key, from one; zero: it adds nothing
	seen  []vector // the additions that its author had been shown, and itself
	gone  []vector // those of them that deletes had taken away, itself if it is one
}

// vector says, by origin, how many of its additions are meant: the first so many.
type vector []int32

func (p vector) join(o vector) {
	for i, n := range o {
		p[i] = max(p[i], n)
	}
}

// covers reports whether the op, which adds, is among those meant.
func (p vector) covers(c *counts, i int32) bool {
	return p[c.origin(i)] >= c.index[i]
}

func (c *counts) nothing() vector { return make(vector, len(c.origins)) }

func (c *counts) origin(i int32) int { return c.origins[c.g.ops[i].Dot.Origin] }

// countsOf is what the ops of a counter come to.
func (j *judge) countsOf(k int32) *counts {
	if j.counted == nil {
		n := len(j.g.ops)
		j.counted = &counted{index: make([]int32, n), seen: make([]vector, n), gone: make([]vector, n)}
	}
	if j.counts[k] == nil {
		j.counts[k] = newCounts(j.g, &j.g.keys[k], j.counted)
	}
	return j.counts[k]
}

func newCounts(g *graph, k *keyUpdates, all *counted) *counts {
	c := &counts{g: g, origins: map[logical.Origin]int{}, counted: all}
	ops := g.opsOn(k)
	for _, i := range ops {
		if o := g.ops[i].Dot.Origin; g.request(i).Verb != script.OpDelete {
			if _, met := c.origins[o]; !met {
				c.origins[o] = len(c.sums)
				c.sums = append(c.sums, []total{{}})
			}
			sums := c.sums[c.origins[o]]
			next := sums[len(sums)-1]
			next.add(c.adds(i))
			c.sums[c.origins[o]], c.index[i] = append(sums, next), int32(len(sums))
		}
	}
	scratch := make(vector, 2*len(ops)*len(c.origins))
	for _, i := range ops {
		scratch = c.learn(i, scratch)
	}
	for _, u := range k.updates {
		if g.retried(u) && g.h.Updates[u].Verb != script.OpDelete {
			c.twice = append(c.twice, u)
		}
	}
	return c
}

// adds is what the op adds: of an increment the client knows it.
func (c *counts) adds(i int32) int64 {
	if q := c.g.request(i); q.Verb == script.OpIncr {
		return q.Delta
	}
	return c.g.ops[i].Delta
}

// learn fills in what the op's author had seen. The vectors are cut from scratch; the
// rest of it is returned.
func (c *counts) learn(i int32, scratch vector) vector {
	n := len(c.origins)
	seen, gone := scratch[:n:n], scratch[n:2*n:2*n]
	c.reflect(c.g.ops[i].over, seen, gone)
	if index := c.index[i]; index > 0 {
		seen[c.origin(i)] = index // all that its author can have seen of this origin is before
	} else {
		gone.join(seen)
	}
	c.seen[i], c.gone[i] = seen, gone
	return scratch[2*n:]
}

// reflected is what ops have seen, together.
func (c *counts) reflected(ops []int32) (seen, gone vector) {
	seen, gone = c.nothing(), c.nothing()
	c.reflect(ops, seen, gone)
	return seen, gone
}

func (c *counts) reflect(ops []int32, seen, gone vector) {
	for _, i := range ops {
		seen.join(c.seen[i])
		gone.join(c.gone[i])
	}
}

// value is the number that must be shown to who has seen this, and whether there is
// one.
func (c *counts) value(seen, gone vector) (n int64, live bool) {
	var sum total
	for o, to := range seen {
		sum.plus(c.sums[o][to])
		sum.minus(c.sums[o][gone[o]])
		live = live || to > gone[o]
	}
	for _, u := range c.twice {
		sum.minus(c.repeated(u, seen, gone))
	}
	return sum.shown(), live
}

// repeated is what the request's ops add beyond once: all of it, if a delete has taken
// one of them away.
func (c *counts) repeated(u int32, seen, gone vector) total {
	var sum total
	var left []int32
	taken := false
	for _, i := range c.g.opsOf[u] {
		switch {
		case !seen.covers(c, i):
		case gone.covers(c, i):
			taken = true
		default:
			sum.add(c.adds(i))
			left = append(left, i)
		}
	}
	if !taken && len(left) > 0 {
		var once total
		once.add(c.adds(c.g.least(left)))
		sum.minus(once)
	}
	return sum
}

// total is a sum in 128 bits, two's complement.
type total struct {
	hi int64
	lo uint64
}

func of(n int64) total { return total{n >> 63, uint64(n)} }

func (t *total) add(n int64) { t.plus(of(n)) }

func (t *total) plus(o total) {
	lo, carry := bits.Add64(t.lo, o.lo, 0)
	t.hi, t.lo = t.hi+o.hi+int64(carry), lo
}

func (t *total) minus(o total) {
	lo, borrow := bits.Sub64(t.lo, o.lo, 0)
	t.hi, t.lo = t.hi-o.hi-int64(borrow), lo
}

// shown is what a key shows of the sum: the nearest that 64 bits hold.
func (t *total) shown() int64 {
	switch {
	case t.hi == int64(t.lo)>>63:
		return int64(t.lo)
	case t.hi < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// less is a-b, or the nearest that 64 bits hold.
func less(a, b int64) int64 {
	t := of(a)
	t.minus(of(b))
	return t.shown()
}

// abs is n without its sign, as far as 64 bits hold it.
func abs(n int64) int64 { return max(n, less(0, n)) }
