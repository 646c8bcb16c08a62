package played

import (
	"fmt"
	"time"

	"kvd/scenarios/page"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

// maxPoints bounds the points of one clock; a clock that swings every millisecond for a
// day has more.
const maxPoints = 4000

// clocks draws the clock of every leader: in the simulation as it was, of real leaders as
// their stamps show it.
func (b *run) clocks() {
	for _, n := range b.script.Leaders {
		c := page.Clock{Lane: b.lane[n]}
		if b.result.Live {
			c.Points = b.stamps(c.Lane)
		} else {
			c.Points = b.points(n)
		}
		if len(c.Points) >= maxPoints {
			c.Points = c.Points[:maxPoints]
			b.Notes = append(b.Notes, fmt.Sprintf("The clock of %s is drawn until %s.", n, c.Points[maxPoints-1].At))
		}
		b.Clocks = append(b.Clocks, c)
	}
}

func (b *run) points(leader string) []page.ClockPoint {
	changes := []world.ClockChange{{Leader: leader, Clock: wallclock.NewSkewed(wallclock.Faults{}, world.Instant(0))}}
	for _, c := range b.result.Clocks {
		if c.Leader == leader {
			changes = append(changes, c)
		}
	}
	var points []page.ClockPoint
	for i, c := range changes {
		end := b.End
		if i+1 < len(changes) {
			end = changes[i+1].At
		}
		if end > c.At || i == len(changes)-1 {
			points = append(points, segment(c.Clock, c.At, end, maxPoints-len(points))...)
		}
	}
	return points
}

// segment is a clock from a true time to another, at most limit points and two more.
func segment(c wallclock.Skewed, from, to time.Duration, limit int) []page.ClockPoint {
	points := []page.ClockPoint{point(c, from)}
	for at := from; len(points) < limit; {
		at = edge(c, at)
		if at >= to {
			break
		}
		points = append(points, point(c, at-1), point(c, at))
	}
	if to > from {
		points = append(points, point(c, to-1))
	}
	return points
}

// edge is the next true time at which the clock jumps or begins to run.
func edge(c wallclock.Skewed, at time.Duration) time.Duration {
	now := world.Instant(at)
	if thaw := c.Thaws(); thaw > now {
		return thaw.Sub(world.Instant(0))
	}
	period := int64(c.Faults().Strobe.Period)
	if period <= 0 {
		return time.Duration(1<<63 - 1)
	}
	return at + time.Duration(period-int64(now)%period)
}

func point(c wallclock.Skewed, at time.Duration) page.ClockPoint {
	now := world.Instant(at)
	return page.ClockPoint{At: at, Offset: c.Shows(now).Sub(now), Error: c.Faults().Error}
}

// stamps is the clock of a leader as far as what it accepted shows it.
func (b *run) stamps(lane int) (points []page.ClockPoint) {
	for i := range b.Ops {
		if o := &b.Ops[i]; o.Leader == lane && o.Stamped&page.Wall != 0 {
			half := (o.Latest - o.Earliest) / 2
			points = append(points, page.ClockPoint{At: o.At, Offset: o.Earliest + half - o.At, Error: half})
		}
	}
	return points
}
