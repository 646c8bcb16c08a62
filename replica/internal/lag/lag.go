// Package lag tells how old the oldest op is that a peer lacks: of every origin's ops,
// and of peers that are down or were never heard alike.
//
// It keeps marks: frontiers of the past, oldest first, each with the moment at which the
// first op beyond the mark before it was applied. There are few of them, and the older
// they are the wider apart, so that an age is told to about a quarter of itself, and
// never as less than it is. A mark that every peer has is dropped.
//
// The package knows neither peers nor messages; whoever holds it brings both.
package lag

import (
	"math"
	"slices"
	"sort"
	"time"

	"kvd/logical"
	"kvd/wallclock"
)

const (
	maxMarks = 64
	every    = 10 * time.Millisecond // between two marks, at least
)

// Marks remembers when what is applied here was applied. The zero Marks is ready.
type Marks struct {
	marks []mark
	grown bool           // the frontier grew since the last mark
	since wallclock.Mono // when the first op beyond the last mark was applied; while grown
	last  wallclock.Mono // when the last mark was made
}

// mark is a frontier, and when the first op that it adds to the mark before was
// applied.
type mark struct {
	frontier logical.Frontier
	since    wallclock.Mono
}

// Grew notes that ops were applied now.
func (m *Marks) Grew(now wallclock.Mono) {
	if !m.grown {
		m.grown, m.since = true, now
	}
}

// Due reports whether a mark is to be made: something was applied, and the last mark is
// old enough.
func (m *Marks) Due(now wallclock.Mono) bool {
	return m.grown && (len(m.marks) == 0 || now.Sub(m.last) >= every)
}

// Mark remembers the frontier, which nobody changes any more. Lacked says of an older
// one whether some peer lacks a part of it; marks that nobody lacks are dropped.
func (m *Marks) Mark(now wallclock.Mono, frontier logical.Frontier, lacked func(logical.Frontier) bool) {
	n := 0
	for n < len(m.marks) && !lacked(m.marks[n].frontier) {
		n++
	}
	m.marks = slices.Delete(m.marks, 0, n)
	if len(m.marks) == maxMarks {
		m.merge(now)
	}
	m.marks = append(m.marks, mark{frontier, m.since})
	m.grown, m.last = false, now
}

// merge lets one mark go; the one after it answers for both.
func (m *Marks) merge(now wallclock.Mono) {
	i := m.coarsest(now)
	m.marks[i+1].since = m.marks[i].since
	m.marks = slices.Delete(m.marks, i, i+1)
}

// coarsest is the mark that is missed least: with the one after it answering for
// both, what is told of an age grows by the smallest part of it.
func (m *Marks) coarsest(now wallclock.Mono) int {
	best, least := 0, math.Inf(1)
	for i := 0; i+2 < len(m.marks); i++ {
		end := m.marks[i+2].since
		if part := float64(end.Sub(m.marks[i].since)) / float64(now.Sub(end)+1); part < least {
			best, least = i, part
		}
	}
	return best
}

// Since is when the oldest op beyond known was applied, or somewhat before; of ops from
// before the first mark, the moment of that.
func (m *Marks) Since(known logical.Frontier) wallclock.Mono {
	i := sort.Search(len(m.marks), func(i int) bool { return !known.Includes(m.marks[i].frontier) })
	if i < len(m.marks) {
		return m.marks[i].since
	}
	return m.since
}
