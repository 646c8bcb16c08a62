package replica

import (
	"math"
	"slices"
	"sort"
	"time"

	"kvd/logical"
	"kvd/wallclock"
)

// lag remembers when what is applied here was applied, so that the age of what a
// peer lacks can be told, of every origin's ops and of peers that are down or were
// never heard alike: marks of the frontier at moments of the past, oldest first.
// There are few of them, and the older they are the wider apart, so that an age is
// told to about a quarter of itself. A mark that every peer has is dropped.
type lag struct {
	marks []lagMark
	grown bool           // since the last mark
	since wallclock.Mono // when the first op beyond the last mark was applied; while grown
	last  wallclock.Mono // when the last mark was made
}

// lagMark is a frontier, and when the first op that it adds to the mark before was
// applied.
type lagMark struct {
	frontier logical.Frontier
	since    wallclock.Mono
}

const (
	lagMarks = 64                    // at most
	lagEvery = 10 * time.Millisecond // between two of them, at least
)

// note is told after the steps of a cycle whether the frontier grew in it, and
// makes a mark when the last is old enough.
func (c *Core) note(now wallclock.Mono) {
	l := &c.lag
	if c.grew {
		if c.grew = false; !l.grown {
			l.grown, l.since = true, now
		}
	}
	if !l.grown || len(l.marks) > 0 && now.Sub(l.last) < lagEvery {
		return
	}
	l.marks = append(c.lagging(now), lagMark{c.frontier(), l.since})
	l.grown, l.last = false, now
}

// lagging is the marks that some peer lacks, with room for one more.
func (c *Core) lagging(now wallclock.Mono) []lagMark {
	marks := c.lag.marks
	n := 0
	for n < len(marks) && !slices.ContainsFunc(c.peers, func(p *peer) bool { return !p.known.Includes(marks[n].frontier) }) {
		n++
	}
	marks = slices.Delete(marks, 0, n)
	if len(marks) < lagMarks {
		return marks
	}
	i := coarsest(marks, now)
	marks[i+1].since = marks[i].since
	return slices.Delete(marks, i, i+1)
}

// coarsest is the mark that is missed least: with the one after it answering for
// both, what is told of an age grows by the smallest part of it.
func coarsest(marks []lagMark, now wallclock.Mono) int {
	best, least := 0, math.Inf(1)
	for i := 0; i+2 < len(marks); i++ {
		end := marks[i+2].since
		if part := float64(end.Sub(marks[i].since)) / float64(now.Sub(end)+1); part < least {
			best, least = i, part
		}
	}
	return best
}

// lacksSince is when the oldest op that somebody lacks who has known was applied,
// or somewhat before; of ops from before this core began, when it began.
func (c *Core) lacksSince(known logical.Frontier) wallclock.Mono {
	marks := c.lag.marks
	i := sort.Search(len(marks), func(i int) bool { return !known.Includes(marks[i].frontier) })
	if i < len(marks) {
		return marks[i].since
	}
	return c.lag.since
}
