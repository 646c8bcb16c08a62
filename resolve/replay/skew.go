package replay

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Skews is the usual curve.
func Skews() []time.Duration {
	return []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second}
}

// Curve is what a loss curve depends on, beside the ops.
type Curve struct {
	// Skews is how far each leader's clock may be off, either way.
	Skews []time.Duration
	// Draws is how many clusters are drawn for each skew.
	Draws int
	// Seed feeds all chance.
	Seed uint64
}

// Point is what last-write-wins loses at one skew.
type Point struct {
	Skew     time.Duration
	Draws    int
	Accepted int
	Least    int // updates lost in the luckiest draw
	Mean     float64
	Most     int
	Losing   int // draws that lost any

	draws []int // lost in each of them
}

// Validate says what is wrong with the first setting that makes no sense.
func (c *Curve) Validate() error {
	if c.Draws <= 0 {
		return errors.New("skew: Draws must be above zero; say how many clusters to draw for each skew")
	}
	for _, s := range c.Skews {
		if s < 0 {
			return errors.New("skew: a skew is negative; say how far clocks may be off either way")
		}
	}
	return nil
}

// offset is how far an origin's clock is off in one draw. It depends on nothing
// else, so that whoever sees a part of the ops draws the same cluster; and draws
// of different skews share their directions, so that the curve shows the skew and
// not the luck.
func (c *Curve) offset(skew time.Duration, draw int, o logical.Origin) time.Duration {
	chance := rand.New(rand.NewPCG(c.Seed^uint64(draw+1)*0x9e3779b97f4a7c15, uint64(o)))
	return time.Duration(float64(skew) * (2*chance.Float64() - 1))
}

// Skew asks how many updates last-write-wins would have lost had the clocks been
// that far apart. For every draw each origin is given an offset within plus and
// minus the skew, the same for its whole life; the time its own stamps show is
// taken for the true one. Zero skew is the history as it was. See [Caveat].
func Skew(c Curve, ops iter.Seq[*resolve.Op]) ([]Point, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &skewed{past: newPast()}
	for op := range ops {
		if op.Kind == resolve.Touch {
			continue
		}
		if _, err := s.past.add(op); err != nil {
			return nil, err
		}
		s.note(op)
	}
	return s.points(c), nil
}

// skewed is a curve under way. Whatever the offsets, of one origin's ops of a key
// the same one has the greatest stamp: only these can win, and what each of them
// would lose depends on no stamp, so it is counted once for all draws.
type skewed struct {
	past    *past
	shown   chunked[wallclock.Instant] // by op: its midpoint
	rivals  [][]rival                  // by key
	offsets []time.Duration            // by origin
}

// rival is an op that beats all others of its origin on its key.
type rival struct {
	at   opIndex
	lost uint32 // ops of the key that it had not seen
}

// note remembers the stamp of an op that the past was just told.
func (s *skewed) note(op *resolve.Op) {
	wall, _, _ := op.Stamps()
	s.shown.append(wall.Midpoint())
}

func (s *skewed) points(c Curve) []Point {
	s.gather()
	s.judge()
	points := make([]Point, len(c.Skews))
	for i, skew := range c.Skews {
		points[i] = Point{Skew: skew, Draws: c.Draws, Accepted: int(s.shown.len()), draws: make([]int, c.Draws)}
		for n := range points[i].draws {
			if n > 0 && skew == 0 { // nobody is off
				points[i].draws[n] = points[i].draws[0]
				continue
			}
			s.draw(&c, skew, n)
			points[i].draws[n] = s.lost()
		}
		points[i].sum()
	}
	return points
}

// sum looks at all draws.
func (p *Point) sum() {
	all := 0
	p.Losing = 0
	for _, n := range p.draws {
		if all += n; n > 0 {
			p.Losing++
		}
	}
	p.Least, p.Most, p.Mean = slices.Min(p.draws), slices.Max(p.draws), float64(all)/float64(len(p.draws))
}

// add is both points' ops together, of different keys.
func (p *Point) add(o *Point) {
	p.Accepted += o.Accepted
	for n := range p.draws {
		p.draws[n] += o.draws[n]
	}
	p.sum()
}

// gather finds the rivals of every key.
func (s *skewed) gather() {
	s.rivals, s.offsets = make([][]rival, len(s.past.keys)), make([]time.Duration, len(s.past.origins))
	for at := range s.past.entries.len() {
		e := s.past.entries.at(at)
		rivals := s.rivals[e.key]
		i := slices.IndexFunc(rivals, func(r rival) bool { return s.past.entries.at(r.at).origin == e.origin })
		switch {
		case i < 0:
			s.rivals[e.key] = append(rivals, rival{at: at})
		case s.beats(at, rivals[i].at):
			rivals[i].at = at
		}
	}
}

// judge counts what each rival would lose: all that is not among its ancestors.
// It marks as many rivals of each key at a time as a mark has bits.
func (s *skewed) judge() {
	marks := make([]resolve.Mask, s.past.entries.len())
	ops := make([]uint32, len(s.past.keys))
	for at := range s.past.entries.len() {
		ops[s.past.entries.at(at).key]++
	}
	for from := 0; s.mark(marks, ops, from); from += maxResolvers {
		s.past.spread(marks, 0)
		for at, m := range marks {
			rivals := s.rivals[s.past.entries.at(opIndex(at)).key]
			for i := from; m != 0; i, m = i+1, m>>1 {
				rivals[i].lost -= uint32(m & 1)
			}
		}
	}
}

// mark marks the rivals numbered from on, and says whether there are any. Each
// begins by losing all ops of its key.
func (s *skewed) mark(marks []resolve.Mask, ops []uint32, from int) bool {
	clear(marks)
	some := false
	for key, rivals := range s.rivals {
		for i := from; i < min(from+maxResolvers, len(rivals)); i++ {
			rivals[i].lost = ops[key]
			marks[rivals[i].at] |= 1 << (i - from)
			some = true
		}
	}
	return some
}

// draw gives each origin its offset.
func (s *skewed) draw(c *Curve, skew time.Duration, n int) {
	for i, o := range s.past.origins {
		s.offsets[i] = c.offset(skew, n, o)
	}
}

// lost counts what the greatest stamp of each key had not seen.
func (s *skewed) lost() int {
	lost := 0
	for _, rivals := range s.rivals {
		best := rivals[0]
		for _, r := range rivals[1:] {
			if s.beats(r.at, best.at) {
				best = r
			}
		}
		lost += int(best.lost)
	}
	return lost
}

func (s *skewed) stamp(at opIndex) wallclock.Instant {
	return s.shown.at(at).Add(s.offsets[s.past.entries.at(at).origin])
}

// beats compares two ops of one key as lww does; equal stamps it is let settle
// itself.
func (s *skewed) beats(v, w opIndex) bool {
	a, b := s.stamp(v), s.stamp(w)
	if a != b {
		return a > b
	}
	panel := resolve.Panel{Serving: resolve.LWW}
	o := resolve.Object{Key: s.past.keys[s.past.entries.at(v).key]}
	for _, at := range [2]opIndex{w, v} {
		s.past.lend()
		panel.Fold(&o, &resolve.Op{Dot: s.past.dot(at), Key: o.Key, Kind: resolve.Put}, s.past, nil)
	}
	var buf [2]int
	kept := panel.Survivors(&o, resolve.LWW, buf[:0])
	return len(kept) == 1 && o.Versions[kept[0]].Dot == s.past.dot(v)
}
