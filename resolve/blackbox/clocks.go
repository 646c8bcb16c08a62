package blackbox

import (
	"math"
	"time"
)

// Clocks is which constant offsets of the nodes' clocks would let last-write-wins keep
// what was kept.
type Clocks struct {
	Keys       int  // that say something: with one known survivor
	Unnamed    bool // nodes are not named, so that nothing can be said
	Explained  bool // some offsets do
	Spread     time.Duration
	Offsets    []Offset      // such offsets, the least needed; by node
	Why        string        // where nothing explains it
	Measured   []Offset      // from recorded stamps: From and To, by node
	Stamped    int           // ops with a stamp
	Unmeasured []string      // nodes whose stamps no constant offset explains
	Gap        time.Duration // the most by which a survivor was earlier than what it beat
}

// Offset is how far a node's clock is ahead.
type Offset struct {
	Node     string
	Ahead    time.Duration // at least, with the other nodes' as given
	From, To time.Duration // measured: within
}

// pair is two nodes.
type pair struct{ of, by uint32 }

// need is how far the clock of the second must be ahead of the first one's.
type need struct {
	ahead      int64
	line, over int // the update that was beaten, and by which
}

// clockBounds gathers bounds of differences of offsets.
type clockBounds struct {
	keys   int
	needs  map[pair]need
	within map[uint32]*[2]int64 // of each node's stamps: offset between
	stamps int
}

func newBounds() *clockBounds {
	return &clockBounds{needs: map[pair]need{}, within: map[uint32]*[2]int64{}}
}

func (c *clockBounds) add(of, by uint32, ahead int64, line, over int) {
	p := pair{of, by}
	if n, known := c.needs[p]; !known || ahead > n.ahead {
		c.needs[p] = need{ahead, line, over}
	}
}

// stamp bounds a node's offset by one recorded stamp.
func (c *clockBounds) stamp(e *entry) {
	if e.stamp == 0 {
		return
	}
	c.stamps++
	w := c.within[e.node]
	if w == nil {
		w = &[2]int64{math.MinInt64, math.MaxInt64}
		c.within[e.node] = w
	}
	w[1] = min(w[1], int64(e.stamp-e.start))
	if e.end != never {
		w[0] = max(w[0], int64(e.stamp-e.end))
	}
}

// maxNodes is how many nodes are put together.
const maxNodes = 64

// solve finds the least offsets: the longest paths in the graph of the bounds (Bellman
// and Ford). A circle of bounds that adds up to more than nothing cannot be met.
func (c *clockBounds) solve(nodes []string) Clocks {
	out := Clocks{Keys: c.keys, Stamped: c.stamps}
	c.measured(&out, nodes)
	for p, n := range c.needs {
		if p.of == unnamed || p.by == unnamed {
			out.Unnamed = true
			return out
		}
		out.Gap = max(out.Gap, time.Duration(n.ahead))
	}
	if c.keys == 0 || len(nodes) > maxNodes {
		return out
	}
	ahead := make([]int64, len(nodes))
	for range len(nodes) {
		changed := false
		for p, n := range c.needs {
			if least := ahead[p.of] + n.ahead; p.of != p.by && least > ahead[p.by] {
				ahead[p.by], changed = least, true
			}
		}
		if out.Explained = !changed; out.Explained {
			break
		}
	}
	for p, n := range c.needs {
		if p.of == p.by && n.ahead > 0 {
			out.Explained = false
		}
	}
	if !out.Explained {
		out.Why = c.contradiction(nodes)
		return out
	}
	var most int64
	for i, name := range nodes {
		if i != unnamed {
			out.Offsets = append(out.Offsets, Offset{Node: name, Ahead: time.Duration(ahead[i])})
			most = max(most, ahead[i])
		}
	}
	out.Spread = time.Duration(most)
	return out
}

// contradiction names two bounds that exclude each other, if there are two.
func (c *clockBounds) contradiction(nodes []string) string {
	for i := range nodes {
		for j := range nodes {
			a, b := c.needs[pair{uint32(i), uint32(j)}], c.needs[pair{uint32(j), uint32(i)}]
			if a.ahead+b.ahead <= 0 || a.line == 0 || b.line == 0 {
				continue
			}
			if i == j {
				return textSame(nodes[i], a)
			}
			return textBoth(nodes[i], nodes[j], a, b)
		}
	}
	return "three or more nodes would each have to be ahead of the next"
}

// measured is what recorded stamps say.
func (c *clockBounds) measured(out *Clocks, nodes []string) {
	for i, name := range nodes {
		w := c.within[uint32(i)]
		switch {
		case w == nil:
		case w[0] > w[1]:
			out.Unmeasured = append(out.Unmeasured, name)
		default:
			out.Measured = append(out.Measured, Offset{Node: name, From: time.Duration(w[0]), To: time.Duration(w[1])})
		}
	}
}
