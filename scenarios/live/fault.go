package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"kvd/scenarios/script"
)

// links is what is wrong with the links between leaders. The leaders' fault seam
// is told all of it each time: it replaces what it knew.
type links struct{ of map[[2]string]*link }

type link struct {
	script.Quality
	cut bool
}

func newLinks(names []string) *links {
	l := &links{map[[2]string]*link{}}
	for _, a := range names {
		for _, b := range names {
			if a != b {
				l.of[[2]string{a, b}] = &link{}
			}
		}
	}
	return l
}

// words is the link as KVD.FAULT LINK takes it.
func (l *link) words(to string) []string {
	share := func(r script.Rate) string { return strconv.FormatFloat(r.Fraction(), 'f', -1, 64) }
	cut := map[bool]string{true: "on", false: "off"}[l.cut]
	return []string{"LINK", to, "delay=" + l.Delay.String(), "jitter=" + l.Jitter.String(), "loss=" + share(l.Loss),
		"duplicate=" + share(l.Duplicate), "overtake=" + share(l.Reorder), "cut=" + cut}
}

// change applies do to the links that match and returns those that changed, sorted.
func (l *links) change(match func(from, to string) bool, do func(*link)) [][2]string {
	var changed [][2]string
	for _, path := range slices.SortedFunc(maps.Keys(l.of), comparePaths) {
		k := l.of[path]
		was := *k
		if match(path[0], path[1]) {
			do(k)
		}
		if *k != was {
			changed = append(changed, path)
		}
	}
	return changed
}

func comparePaths(a, b [2]string) int { return slices.Compare(a[:], b[:]) }

func (l *links) fault(f script.LinkFault) [][2]string {
	return l.change(f.Path.Covers, func(k *link) { f.Change(&k.Quality) })
}

func (l *links) partition(p script.Partition) [][2]string {
	return l.change(p.Divides, func(k *link) { k.cut = true })
}

func (d *driver) act(a script.Action) error {
	switch a := a.(type) {
	case script.LinkFault:
		return d.plant(d.links.fault(a))
	case script.Partition:
		return d.plant(d.links.partition(a))
	case script.Cut:
		return d.sever(a.Path, true)
	case script.Heal:
		return d.sever(a.Path, false)
	case script.ClockFault:
		return d.clock(a)
	case script.Pause:
		d.enter(item{d.rec.Now() + a.For, func(context.Context) {
			if err := d.m.resume(a.Leader); err != nil {
				d.fail(err)
			}
		}})
		return d.m.act(a)
	case script.Restart:
		if err := d.m.act(a); err != nil {
			return err
		}
		return d.replant(a.Leader)
	}
	return d.m.act(a)
}

// plant tells leaders of their changed links. A leader that does not run yet is
// nobody's peer; it is told of, and tells, when it starts.
func (d *driver) plant(changed [][2]string) error {
	at := d.m.running()
	for _, p := range changed {
		if at[p[0]] == "" || at[p[1]] == "" {
			continue
		}
		if err := d.m.fault(p[0], d.links.of[p].words(p[1])...); err != nil {
			return err
		}
	}
	return nil
}

// sever cuts or heals: between leaders by their fault seam, to and from clients
// here.
func (d *driver) sever(p script.Path, cut bool) error {
	d.mu.Lock()
	if p.All() {
		clear(d.lost)
	} else {
		d.lost[[2]string{p.From, p.To}] = cut
	}
	d.mu.Unlock()
	return d.plant(d.links.change(p.Covers, func(k *link) { k.cut = cut }))
}

// cut reports whether what is sent on a path to or from a client is dropped.
func (d *driver) cut(from, to string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost[[2]string{from, to}]
}

func (d *driver) clock(f script.ClockFault) error {
	for _, n := range d.s.Leaders {
		if f.Leader != n && f.Leader != script.AllLeaders {
			continue
		}
		d.clocks[n] = append(d.clocks[n], f)
		err := d.m.fault(n, clockWords(f)...)
		if err == nil && f.Freeze.Set {
			// Frozen, and then on from where it stood: late by as much.
			err = d.m.fault(n, "CLOCK", "step="+(-f.Freeze.Value).String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clockWords is a change of a clock as KVD.FAULT CLOCK takes it.
func clockWords(f script.ClockFault) []string {
	words := []string{"CLOCK"}
	say := func(name string, o script.Opt[time.Duration]) {
		if o.Set {
			words = append(words, name+"="+o.Value.String())
		}
	}
	say("offset", f.Offset)
	say("error", f.Error)
	if f.DriftPPM.Set {
		words = append(words, fmt.Sprintf("drift=%d", f.DriftPPM.Value))
	}
	if f.Strobe.Set {
		words = append(words, fmt.Sprintf("strobe=%s/%s", f.Strobe.Value.Amplitude, f.Strobe.Value.Period))
	}
	say("step", f.Step)
	say("freeze", f.Freeze)
	return words
}

// replant gives a leader that started anew the faults it had: its clock belongs to
// the machine, its links to the network.
func (d *driver) replant(leader string) error {
	for _, f := range d.clocks[leader] {
		if f.Freeze.Set {
			f.Step = script.Some(f.Step.Value - f.Freeze.Value)
			f.Freeze = script.Opt[time.Duration]{}
		}
		if words := clockWords(f); len(words) > 1 {
			if err := d.m.fault(leader, words...); err != nil {
				return err
			}
		}
	}
	at := d.m.running()
	var mine [][2]string
	for _, p := range slices.SortedFunc(maps.Keys(d.links.of), comparePaths) {
		if slices.Contains(p[:], leader) && at[p[0]] != "" && at[p[1]] != "" {
			mine = append(mine, p)
		}
	}
	return d.plant(mine)
}
