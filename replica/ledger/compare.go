package ledger

import (
	"cmp"
	"fmt"
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

// String names the ground.
func (g Ground) String() string {
	switch g {
	case ByStamp:
		return "stamp"
	case ByTie:
		return "tie"
	case ByInterval:
		return "interval"
	case ByCover:
		return "cover"
	case ByBase:
		return "base"
	case ByOther:
		return "other"
	}
	return "unknown"
}

// Comparison is the one that decided, with both sides' stamps.
type Comparison struct {
	Resolver resolve.ID
	By       Ground
	Against  logical.Dot   // what the loser was compared with, or what covered it
	Loser    string        // its stamp, as the resolver reads it
	Other    string        // the stamp of what it was compared with
	Behind   time.Duration // how far the loser's stamp lies behind, where it is time
	text     string
}

// Text is a clause: what was compared, and how it came out.
func (c *Comparison) Text() string { return c.text }

// compare finds out why the loser is lost to the present best survivor of id.
func (q *asked) compare(id resolve.ID, loser, winner Write) Comparison {
	c := Comparison{Resolver: id, By: ByOther, Against: winner.Dot,
		text: "what decided is no longer in the log"}
	if loser.Kind == 0 || winner.Kind == 0 {
		return c
	}
	switch id {
	case resolve.LWW:
		c.stamps(loser, winner, cmp.Compare(loser.Wall.Midpoint(), winner.Wall.Midpoint()), walls)
	case resolve.Lamport:
		c.stamps(loser, winner, cmp.Compare(loser.Lamport, winner.Lamport), lamports)
	case resolve.HLC:
		c.stamps(loser, winner, loser.HLC.Compare(winner.HLC), hlcs)
	case resolve.Interval:
		q.intervals(&c, loser)
	case resolve.Causal:
		if i, ok := q.object.Find(loser.Dot); ok && q.object.Versions[i].Mask.Has(id) {
			c.stamps(loser, winner, loser.HLC.Compare(winner.HLC), hlcs)
		} else {
			q.covered(&c, loser)
		}
	}
	return c
}

// stamps fills in a comparison of two stamps whose order is known.
func (c *Comparison) stamps(loser, winner Write, order int, say func(c *Comparison, l, w Write)) {
	if c.By = ByStamp; order == 0 {
		c.By = ByTie
	}
	if order > 0 {
		c.By = ByOther // the survivor is not the best of all: something else beat the loser
		return
	}
	say(c, loser, winner)
	if c.By == ByTie {
		c.text = "both have the stamp " + c.Other + ", and between equal stamps a hash of key and dot decides"
	}
}

func walls(c *Comparison, l, w Write) {
	a, b := l.Wall.Midpoint(), w.Wall.Midpoint()
	c.Loser, c.Other, c.Behind = clock(a), dated(b, a), b.Sub(a)
	c.text = fmt.Sprintf("%s's clock showed %s, %s behind %s's %s", l.Leader, c.Loser, c.Behind, w.Leader, c.Other)
}

// convict adds what follows about the clocks when the loser was written after the
// winner, because its author had been shown it: a clock that read less later was
// behind the other by the difference at least.
func (q *asked) convict(d *LossRecord) {
	switch {
	case d.Why.By != ByStamp && d.Why.By != ByInterval:
	case d.Resolver == resolve.Interval && d.SawWinner && d.Why.Against == d.Winner:
		d.Why.text += ", so one of them was further off than it claimed"
	case d.Resolver == resolve.LWW && d.SawWinner:
		d.Why.ahead(&d.Was, &d.Won)
	case d.Resolver == resolve.LWW && d.Relation == resolve.Inverted:
		if w, ok := q.beater(&d.Was); ok {
			d.Why.ahead(&d.Was, &w)
		}
	}
}

// beater is what beat the write where it was accepted: of those that its author
// had been shown, the one with the greatest stamp.
func (q *asked) beater(was *Write) (best Write, ok bool) {
	best = *was
	for _, p := range was.Parents {
		if w := q.write(p); w.Kind != 0 && w.Wall.Midpoint() > best.Wall.Midpoint() {
			best, ok = w, true
		}
	}
	return best, ok
}

// ahead says by how much at least the clock of one that came before was ahead.
func (c *Comparison) ahead(later, before *Write) {
	by := before.Wall.Midpoint().Sub(later.Wall.Midpoint())
	if later.Leader == before.Leader {
		c.text += fmt.Sprintf(", so %s's clock had gone back by at least %s", later.Leader, by)
		return
	}
	c.text += fmt.Sprintf(", so %s's clock was at least %s ahead of %s's", before.Leader, by, later.Leader)
}

func lamports(c *Comparison, l, w Write) {
	c.Loser, c.Other = fmt.Sprint(uint64(l.Lamport)), fmt.Sprint(uint64(w.Lamport))
	c.text = fmt.Sprintf("its Lamport stamp is %s, the winner's %s", c.Loser, c.Other)
}

func hlcs(c *Comparison, l, w Write) {
	a, b := wallclock.Instant(l.HLC.Wall), wallclock.Instant(w.HLC.Wall)
	c.Loser, c.Other, c.Behind = fmt.Sprintf("%s+%d", clock(a), l.HLC.Count), fmt.Sprintf("%s+%d", dated(b, a), w.HLC.Count), b.Sub(a)
	c.text = fmt.Sprintf("its hybrid stamp is %s, the winner's %s", c.Loser, c.Other)
	if c.Behind > 0 {
		c.text += fmt.Sprintf(", %s ahead", c.Behind)
	}
}

// intervals looks for what the loser lies wholly before. If there is nothing,
// causality took it, as in a live set.
func (q *asked) intervals(c *Comparison, loser Write) {
	top := -1
	for i := range q.object.Versions {
		if v := &q.object.Versions[i]; top < 0 || v.Wall.Earliest > q.object.Versions[top].Wall.Earliest {
			top = i
		}
	}
	if top < 0 || !loser.Wall.Before(q.object.Versions[top].Wall) {
		q.covered(c, loser)
		return
	}
	v := &q.object.Versions[top]
	c.By, c.Against, c.Behind = ByInterval, v.Dot, v.Wall.Earliest.Sub(loser.Wall.Latest)
	c.Loser, c.Other = clock(loser.Wall.Latest), dated(v.Wall.Earliest, loser.Wall.Latest)
	c.text = fmt.Sprintf("%s's clock said it was %s at the latest, and %s's that it was %s at the earliest, %s later",
		loser.Leader, c.Loser, q.leader(v.Dot.Origin), c.Other, c.Behind)
}

// covered says which write took the loser out of a live set.
func (q *asked) covered(c *Comparison, loser Write) {
	by, ok := q.overwriter(c.Resolver, loser.Dot)
	if !ok {
		return
	}
	w := q.write(by.dot)
	c.Against = by.dot
	if c.By = ByCover; by.hidden {
		c.text = fmt.Sprintf("%s held it without showing it, and took %s in its place unseen", w.Leader, w.from())
		return
	}
	c.By = ByBase
	c.text = fmt.Sprintf("what had been written over it, %s, is lost itself", w.from())
}
