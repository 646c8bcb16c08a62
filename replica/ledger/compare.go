package ledger

import (
	"cmp"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Ground is what decided that one write lost to another.
type Ground uint8

// The grounds.
const (
	// ByStamp: the winner's stamp is greater.
	ByStamp Ground = 1 + iota
	// ByTie: the stamps are equal, and a hash of key and dot decided.
	ByTie
	// ByInterval: the loser's interval ends before another's begins.
	ByInterval
	// ByCover: a leader held the loser without showing it, and a write accepted
	// there covered it unseen.
	ByCover
	// ByBase: what had been written over it, having seen it, is lost itself.
	ByBase
	// ByOther: the evidence is no longer here.
	ByOther
)

// Comparison is the one that decided that a write lost.
type Comparison struct {
	Resolver resolve.ID
	By       Ground
	Against  Write         // what the loser was compared with, or what covered it
	Behind   time.Duration // how far the loser's stamp lies behind, where it is time
	Skew     Skew          // what follows about the clocks
}

// Skew is what the order of two writes proves about clocks: a clock that read less
// later was behind the other by the difference at least. The zero Skew says nothing.
type Skew struct {
	Understated bool   // one of the two clocks was further off than it claimed
	Later       string // the leader of the later write; empty: nothing is proved
	Earlier     string // that of the earlier one. It was ahead, or, where both are one, had gone back
	By          time.Duration
}

// compare finds out why the loser is lost to the present best survivor of id.
func (q *question) compare(id resolve.ID, loser, winner Write) Comparison {
	c := Comparison{Resolver: id, By: ByOther, Against: winner}
	if loser.Kind == 0 || winner.Kind == 0 {
		return c
	}
	switch id {
	case resolve.LWW:
		c.stamps(cmp.Compare(loser.Wall.Midpoint(), winner.Wall.Midpoint()))
		c.Behind = winner.Wall.Midpoint().Sub(loser.Wall.Midpoint())
	case resolve.Lamport:
		c.stamps(cmp.Compare(loser.Lamport, winner.Lamport))
	case resolve.HLC:
		c.hybrids(&loser)
	case resolve.Interval:
		q.intervals(&c, &loser)
	case resolve.Causal:
		if i, ok := q.object.Find(loser.Dot); ok && q.object.Versions[i].Mask.Has(id) {
			c.hybrids(&loser)
		} else {
			q.covered(&c, loser.Dot)
		}
	}
	return c
}

// stamps fills in a comparison of two stamps whose order is known. Where the
// survivor's is not the greater, something else beat the loser.
func (c *Comparison) stamps(order int) {
	switch {
	case order == 0:
		c.By = ByTie
	case order < 0:
		c.By = ByStamp
	}
}

func (c *Comparison) hybrids(loser *Write) {
	c.stamps(loser.HLC.Compare(c.Against.HLC))
	c.Behind = wallclock.Instant(c.Against.HLC.Wall).Sub(wallclock.Instant(loser.HLC.Wall))
}

// inferSkew adds what follows about the clocks when the loser was written after the
// winner, because its author had been shown it.
func (q *question) inferSkew(d *LossRecord) {
	switch {
	case d.Why.By != ByStamp && d.Why.By != ByInterval:
	case d.Resolver == resolve.Interval && d.SawWinner && d.Why.Against.Dot == d.Winner:
		d.Why.Skew.Understated = true
	case d.Resolver == resolve.LWW && d.SawWinner:
		d.Why.Skew = skewOf(&d.Was, &d.Won)
	case d.Resolver == resolve.LWW && d.Relation == resolve.Inverted:
		if w, ok := q.beatenBy(&d.Was); ok {
			d.Why.Skew = skewOf(&d.Was, &w)
		}
	}
}

// beatenBy is what beat the write where it was accepted: of those that its author
// had been shown, the one with the greatest stamp.
func (q *question) beatenBy(was *Write) (best Write, ok bool) {
	best = *was
	for _, p := range was.Parents {
		if w := q.write(p); w.Kind != 0 && w.Wall.Midpoint() > best.Wall.Midpoint() {
			best, ok = w, true
		}
	}
	return best, ok
}

// skewOf is by how much at least the clock of the one that came before was ahead.
func skewOf(later, before *Write) Skew {
	return Skew{Later: later.Leader, Earlier: before.Leader, By: before.Wall.Midpoint().Sub(later.Wall.Midpoint())}
}

// intervals looks for what the loser lies wholly before. If there is nothing,
// causality took it, as in a live set.
func (q *question) intervals(c *Comparison, loser *Write) {
	var top resolve.Version
	if all := q.object.Versions; len(all) > 0 {
		top = slices.MaxFunc(all, func(a, b resolve.Version) int { return cmp.Compare(a.Wall.Earliest, b.Wall.Earliest) })
	}
	if top.Dot.IsZero() || !loser.Wall.Before(top.Wall) {
		q.covered(c, loser.Dot)
		return
	}
	c.By, c.Against, c.Behind = ByInterval, q.write(top.Dot), top.Wall.Earliest.Sub(loser.Wall.Latest)
	c.Against.Wall = top.Wall // whatever is left of its op
}

// covered says which write took the loser out of a live set.
func (q *question) covered(c *Comparison, loser logical.Dot) {
	by, ok := q.overwriter(c.Resolver, loser)
	if !ok {
		return
	}
	c.Against = q.write(by.dot)
	if c.By = ByBase; by.hidden {
		c.By = ByCover
	}
}
