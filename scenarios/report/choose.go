package report

import (
	"fmt"
	"slices"
	"time"

	"kvd/scenarios/trace"
)

// Bounds on what one picture draws.
const (
	maxWhole        = 40 // traces up to this long are drawn whole
	maxAboutLoss    = 30 // of what concerns the loss that the picture is about
	maxSurroundings = 24 // of everything else, faults and losses aside
	maxSimilar      = 12 // of faults, of losses and of updates gone: more share one line
)

// choose takes the entries worth drawing. A message that is dropped again and again is
// drawn once. Of a long trace the faults and the losses are drawn: if there are many,
// the first of each sort and one line for the rest. A loss is drawn once, where it is
// seen first. Besides, what happened to the two updates of the first loss is drawn, or
// to updates that are gone though nothing beat them; if there are none, how the run
// began, what surrounds the faults, and how it ended. An update that is lost for good
// goes before one that only seemed to be. The sentence says what was left out; it is
// empty if that is nothing but repetitions. choose changes all.
func choose(all []entry, lost map[string]bool) (drawn []entry, left string) {
	total := len(all)
	if all = once(all); len(all) <= maxWhole {
		return all, ""
	}
	c := chosen{all: all, keep: map[int]bool{}}
	i := firstLoss(all, lost)
	about := "the faults, the losses, and what surrounds them"
	switch {
	case i >= 0:
		about = fmt.Sprintf("the faults, the losses, and %s and %s, the first to be lost,", all[i].other, all[i].label)
		c.keep[i] = true
		c.concerning(maxAboutLoss, all[i].label, all[i].other)
	case c.gone(lost):
		about = "the faults, and the updates that are gone,"
	default:
		c.surroundings()
	}
	c.first(trace.Fault)
	c.first(trace.Lost)
	drawn, n := c.drawing()
	return drawn, fmt.Sprintf("Drawn: %s in %s of %s; scenario run prints the rest, with -v all of it.", about, thousands(n), count(total, "event"))
}

// chosen is which of all entries are drawn.
type chosen struct {
	all  []entry
	keep map[int]bool
}

// concerning keeps what concerns the updates, until limit entries are kept.
func (c *chosen) concerning(limit int, labels ...string) {
	for j := range c.all {
		if len(c.keep) < limit && slices.Contains(labels, c.all[j].label) {
			c.keep[j] = true
		}
	}
}

// gone keeps how updates that are lost, and that nothing beat, were accepted and
// promised, and reports whether there are any.
func (c *chosen) gone(lost map[string]bool) bool {
	met := map[string]bool{}
	for j := range c.all {
		b := &c.all[j]
		if !lost[b.label] || !met[b.label] && len(met) == maxSimilar {
			continue
		}
		met[b.label] = true
		if b.kind != trace.Missed && len(c.keep) < 2*maxSimilar {
			c.keep[j] = true
		}
	}
	return len(met) > 0
}

// surroundings keeps the entries next to the faults, the first ones and the last.
func (c *chosen) surroundings() {
	const about = maxSurroundings / 3
	near := 0
	for j := range c.all {
		if c.all[j].kind != trace.Fault && near < about && (c.fault(j-1) || c.fault(j+1)) {
			c.keep[j] = true
			near++
		}
	}
	for j := range about {
		c.keep[j], c.keep[len(c.all)-1-j] = true, true
	}
}

func (c *chosen) fault(j int) bool { return j >= 0 && j < len(c.all) && c.all[j].kind == trace.Fault }

// first keeps the first of each sort of faults or losses, and as many of the rest as the
// bound allows.
func (c *chosen) first(kind trace.Kind) {
	seen, n := map[string]bool{}, 0
	for _, again := range []bool{false, true} {
		for j := range c.all {
			b := &c.all[j]
			if b.kind == kind && !b.again && !c.keep[j] && n < maxSimilar && (again || !seen[b.sort()]) {
				seen[b.sort()], c.keep[j] = true, true
				n++
			}
		}
	}
}

// sort is equal for faults with the same words, and for losses of one update.
func (b *entry) sort() string {
	if b.kind == trace.Fault {
		return b.words
	}
	return b.label
}

// drawing is what is kept, with a line for each run of faults and losses that are
// not, and how many entries are kept.
func (c *chosen) drawing() (drawn []entry, kept int) {
	var rest folded
	for j := range c.all {
		b := &c.all[j]
		switch {
		case c.keep[j]:
			drawn = append(rest.unfold(drawn), *b)
			kept++
		case b.kind == trace.Fault || b.kind == trace.Lost && !b.again:
			rest.fold(b)
		}
	}
	return rest.unfold(drawn), kept
}

// folded is faults and losses that share one line.
type folded struct {
	first, last    entry
	faults, losses int
}

func (f *folded) fold(b *entry) {
	if f.faults+f.losses == 0 {
		f.first = *b
	}
	if f.last = *b; b.kind == trace.Fault {
		f.faults++
	} else {
		f.losses++
	}
}

// unfold appends the line, if anything was folded.
func (f *folded) unfold(drawn []entry) []entry {
	var parts []string
	if f.faults > 0 {
		parts = append(parts, count(f.faults, "more fault"))
	}
	if f.losses > 0 {
		parts = append(parts, fmt.Sprintf("%s more lost", thousands(f.losses)))
	}
	if len(parts) == 0 {
		return drawn
	}
	b := entry{at: f.first.at, kind: trace.Fault, words: fmt.Sprintf("… %s, until %s", list(parts), trueTime(f.last.at))}
	*f = folded{}
	return append(drawn, b)
}

// once leaves out what the network drops again on the same way. It changes all.
func once(all []entry) []entry {
	dropped := map[string]bool{}
	return slices.DeleteFunc(all, func(b entry) bool {
		if b.kind != trace.Missed {
			return false
		}
		way := route(b.from, b.to, b.label)
		again := dropped[way]
		dropped[way] = true
		return again
	})
}

// firstLoss is the index of the first loss that lasts, or of the first one if
// none does, or -1.
func firstLoss(all []entry, lost map[string]bool) int {
	i := slices.IndexFunc(all, func(b entry) bool { return b.kind == trace.Lost && lost[b.label] })
	if i < 0 {
		i = slices.IndexFunc(all, func(b entry) bool { return b.kind == trace.Lost })
	}
	return i
}

// idle is how long nothing must happen for the picture to name the gap: much
// longer than is usual between the entries drawn.
func idle(drawn []entry) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(drawn); i++ {
		if d := drawn[i].at - drawn[i-1].at; d > 0 {
			gaps = append(gaps, d)
		}
	}
	if len(gaps) == 0 {
		return time.Second
	}
	slices.Sort(gaps)
	return max(time.Millisecond, 10*gaps[len(gaps)/2])
}
