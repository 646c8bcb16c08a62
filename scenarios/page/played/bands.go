package played

import (
	"cmp"
	"slices"
	"time"

	"kvd/scenarios/page"
	"kvd/scenarios/script"
)

// bands turns what was done to the cluster into what was wrong with it for how long.
type bands struct {
	script  *script.Scenario
	lane    map[string]int
	actions map[string]script.Action // by their text
	cuts    []cut
	down    map[string]int // the band of a leader that does not run
	list    []page.Band
}

// cut is paths that were cut together, those of them that still are.
type cut struct {
	band  int
	paths map[script.Path]bool
}

// open is the end of a band that has none yet.
const open = page.Never

func newBands(s *script.Scenario, lane map[string]int) bands {
	b := bands{script: s, lane: lane, actions: map[string]script.Action{}, down: map[string]int{}}
	for a := range s.Actions() {
		b.actions[a.String()] = a
	}
	for _, u := range s.Setup {
		switch u.Action.(type) {
		case script.Cut, script.Partition:
			b.act(0, u.Action)
		}
	}
	return b
}

func (b *bands) fault(at time.Duration, text string) {
	a, ok := b.actions[text]
	if !ok {
		b.event(at, text)
		return
	}
	b.act(at, a)
}

func (b *bands) act(at time.Duration, a script.Action) {
	words := a.String()
	switch a := a.(type) {
	case script.Partition:
		b.cut(at, words, b.divided(a))
	case script.Cut:
		b.cut(at, words, map[script.Path]bool{{From: a.Path.From, To: a.Path.To}: true})
	case script.Heal:
		b.heal(at, a.Path)
		b.event(at, words)
	case script.Pause:
		b.add(page.Band{Kind: page.Paused, Lanes: b.lanes(a.Leader), From: at, To: at + a.For, Words: words})
	case script.Crash:
		b.stop(at, a.Leader, page.Down, words)
	case script.Wipe:
		b.stop(at, a.Leader, page.Wiped, words)
	case script.Restore:
		b.stop(at, a.Leader, page.Wiped, words)
	case script.Restart:
		b.start(at, a.Leader)
		b.event(at, words, b.lanes(a.Leader)...)
	case script.Backup:
		b.event(at, words, b.lanes(a.Leader)...)
	case script.ClockFault:
		b.clock(at, a)
	default:
		b.event(at, words)
	}
}

func (b *bands) add(band page.Band) int {
	b.list = append(b.list, band)
	return len(b.list) - 1
}

// event is something that is over at once.
func (b *bands) event(at time.Duration, words string, lanes ...int) {
	b.add(page.Band{Kind: page.Event, Lanes: lanes, From: at, To: at, Words: words})
}

func (b *bands) lanes(names ...string) (all []int) {
	for _, n := range names {
		if i, ok := b.lane[n]; ok {
			all = append(all, i)
		}
	}
	return all
}

func (b *bands) divided(p script.Partition) map[script.Path]bool {
	paths := map[script.Path]bool{}
	for _, from := range b.script.Leaders {
		for _, to := range b.script.Leaders {
			if p.Divides(from, to) {
				paths[script.Path{From: from, To: to}] = true
			}
		}
	}
	return paths
}

func (b *bands) cut(at time.Duration, words string, paths map[script.Path]bool) {
	var lanes []int
	for p := range paths {
		lanes = append(lanes, b.lanes(p.From, p.To)...)
	}
	slices.Sort(lanes)
	b.cuts = append(b.cuts, cut{b.add(page.Band{Kind: page.Cut, Lanes: slices.Compact(lanes), From: at, To: open, Words: words}), paths})
}

// heal ends the bands of which no path is cut any more.
func (b *bands) heal(at time.Duration, p script.Path) {
	b.cuts = slices.DeleteFunc(b.cuts, func(c cut) bool {
		for q := range c.paths {
			if p.Covers(q.From, q.To) {
				delete(c.paths, q)
			}
		}
		if len(c.paths) == 0 {
			b.list[c.band].To = at
		}
		return len(c.paths) == 0
	})
}

// stop begins a band of a leader that does not run; what follows on it is another band.
func (b *bands) stop(at time.Duration, leader string, kind page.BandKind, words string) {
	b.start(at, leader)
	b.down[leader] = b.add(page.Band{Kind: kind, Lanes: b.lanes(leader), From: at, To: open, Words: words})
}

func (b *bands) start(at time.Duration, leader string) {
	if i, ok := b.down[leader]; ok {
		b.list[i].To = at
		delete(b.down, leader)
	}
}

func (b *bands) clock(at time.Duration, f script.ClockFault) {
	lanes := b.lanes(f.Leader)
	if f.Leader == script.AllLeaders {
		lanes = b.lanes(b.script.Leaders...)
	}
	if f.Freeze.Set {
		b.add(page.Band{Kind: page.Frozen, Lanes: lanes, From: at, To: at + f.Freeze.Value, Words: f.String()})
		return
	}
	b.event(at, f.String(), lanes...)
}

// all is the bands, those that are open ended at the end of the run.
func (b *bands) all(end time.Duration) []page.Band {
	for i := range b.list {
		if b.list[i].To == open {
			b.list[i].To = end
		}
	}
	slices.SortStableFunc(b.list, func(x, y page.Band) int { return cmp.Compare(x.From, y.From) })
	return b.list
}

// drop loses what arrived at a leader that did not run.
func (b *run) drop() {
	for i := range b.Messages {
		m := &b.Messages[i]
		if m.Kind == page.Ship && m.Applied == page.Never && m.Arrives != page.Never && b.stopped(m.To, m.Arrives) {
			m.Arrives = page.Never
		}
	}
}

func (b *run) stopped(lane int, at time.Duration) bool {
	return slices.ContainsFunc(b.Bands, func(d page.Band) bool {
		return (d.Kind == page.Down || d.Kind == page.Wiped) && d.From <= at && at < d.To && slices.Contains(d.Lanes, lane)
	})
}
