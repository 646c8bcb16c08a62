package replay

import (
	"errors"
	"iter"
	"math/rand/v2"
	"time"

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
		if _, err := s.past.add(op); err != nil {
			return nil, err
		}
		s.shown.append(op.Wall.Midpoint())
	}
	s.marks = make([]resolve.Mask, s.past.entries.len())
	points := make([]Point, len(c.Skews))
	for i, skew := range c.Skews {
		points[i] = s.point(skew, c)
	}
	return points, nil
}

// skewed is a curve under way.
type skewed struct {
	past    *past
	shown   chunked[wallclock.Instant] // by op: its midpoint
	offsets []time.Duration            // by origin
	best    []place                    // by key
	marks   []resolve.Mask
}

// point draws one skew. Draws of different skews share their directions, so that
// the curve shows the skew and not the luck.
func (s *skewed) point(skew time.Duration, c Curve) Point {
	p := Point{Skew: skew, Draws: c.Draws, Accepted: len(s.marks)}
	chance := rand.New(rand.NewPCG(c.Seed, 0x736b6577))
	sum := 0
	for n := range c.Draws {
		s.draw(skew, chance)
		lost := s.lost()
		if sum += lost; n == 0 || lost < p.Least {
			p.Least = lost
		}
		p.Most = max(p.Most, lost)
	}
	p.Mean = float64(sum) / float64(c.Draws)
	return p
}

// draw gives each origin its offset.
func (s *skewed) draw(skew time.Duration, chance *rand.Rand) {
	s.offsets = s.offsets[:0]
	for range s.past.origins {
		s.offsets = append(s.offsets, time.Duration(float64(skew)*(2*chance.Float64()-1)))
	}
}

// lost counts what the greatest stamp of each key had not seen.
func (s *skewed) lost() int {
	s.best = s.best[:0]
	for range s.past.keys {
		s.best = append(s.best, none)
	}
	for at := range s.past.entries.len() {
		if k := s.past.entries.at(at).key; s.best[k] == none || s.beats(at, s.best[k]) {
			s.best[k] = at
		}
	}
	clear(s.marks)
	for _, at := range s.best {
		s.marks[at] = 1
	}
	s.past.spread(s.marks, 0)
	lost := 0
	for _, m := range s.marks {
		if m == 0 {
			lost++
		}
	}
	return lost
}

func (s *skewed) stamp(at place) wallclock.Instant {
	return s.shown.at(at).Add(s.offsets[s.past.entries.at(at).origin])
}

// beats compares two ops of one key as lww does; equal stamps it is let settle
// itself.
func (s *skewed) beats(v, w place) bool {
	a, b := s.stamp(v), s.stamp(w)
	if a != b {
		return a > b
	}
	panel := resolve.Panel{Serving: resolve.LWW}
	o := resolve.Object{Key: s.past.keys[s.past.entries.at(v).key]}
	for _, at := range [2]place{w, v} {
		s.past.lend()
		panel.Fold(&o, &resolve.Op{Dot: s.past.dot(at), Key: o.Key, Kind: resolve.Put}, s.past, nil)
	}
	var room [2]int
	kept := panel.Survivors(&o, resolve.LWW, room[:0])
	return len(kept) == 1 && o.Versions[kept[0]].Dot == s.past.dot(v)
}
