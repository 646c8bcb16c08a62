package observed

import (
	"slices"
	"strconv"
	"time"

	"kvd/resolve/blackbox"
	"kvd/scenarios/page"
)

// found is the run of what the store did.
func (d *drawing) found() page.Run {
	r := page.Run{Name: "the store", End: d.end, Ops: d.writes, Messages: d.messages, Readings: d.readings, Notes: d.notes(), Clocks: d.clocks(), Counts: page.Counts{Converged: true}}
	for i := range d.report.Kinds {
		k := &d.report.Kinds[i]
		r.Counts.Acked += k.Acked
		r.Counts.Accounted += k.Present + k.Superseded
		r.Counts.Lost += k.Lost
		r.Counts.Inverted += k.Inverted
		r.Counts.Concurrent += k.Concurrent
		r.Counts.Overcounted += k.Overcounted
		r.Counts.Converged = r.Counts.Converged && k.Divided == 0
	}
	r.Counts.Unrelated = r.Counts.Lost - r.Counts.Inverted - r.Counts.Concurrent
	for i := range d.writes {
		v := d.g.verdicts[lineOf(&d.writes[i])]
		if v.Lost {
			r.Losses = append(r.Losses, d.loss(i, v.By, class(v.Relation)))
		}
	}
	sortLosses(r.Losses)
	return r
}

func class(r blackbox.Relation) string {
	if r == blackbox.Unrelated {
		return "unrelated"
	}
	return string(r)
}

// loss is an update that is lost; by is the line of what survives.
func (d *drawing) loss(op, by int, class string) page.Loss {
	l := page.Loss{Op: op, By: page.None, Left: page.None, Class: class, At: max(d.writes[op].At, d.writes[op].Acked), Lane: page.None, Until: page.Never}
	if i, ok := d.op[by]; ok {
		l.By, l.Left = i, i
	}
	return l
}

func sortLosses(all []page.Loss) {
	slices.SortStableFunc(all, func(a, b page.Loss) int { return int(a.At - b.At) })
}

// under is the run of what a resolver of ours would have kept.
func (d *drawing) under(resolver string) page.Run {
	r := page.Run{Name: resolver, End: d.end, Ops: d.writes, Messages: d.messages, Clocks: d.clocks(), Counts: page.Counts{Converged: true},
		Notes: []string{"What nodes show at the end is what " + resolver + " would have kept of the recorded history; before that nothing is known of them."}}
	for i := range d.report.Kinds {
		for _, o := range d.report.Kinds[i].Outcomes {
			if o.Resolver.String() == resolver {
				r.Counts.Acked += o.Accepted
				r.Counts.Lost += o.Lost()
				r.Counts.Inverted += o.Inverted
				r.Counts.Concurrent += o.Concurrent
				r.Counts.Siblings = max(r.Counts.Siblings, o.Siblings)
			}
		}
	}
	r.Counts.Accounted = r.Counts.Acked - r.Counts.Lost
	live := d.live(resolver)
	for i := range d.writes {
		u := d.verdict(i).Under(resolver)
		if !u.Lost {
			continue
		}
		l := d.loss(i, 0, "concurrent")
		if u.Inverted {
			l.Class = "inverted"
		}
		if kept := live[d.writes[i].Key]; len(kept) == 1 {
			l.By, l.Left = kept[0], kept[0]
		}
		r.Losses = append(r.Losses, l)
	}
	sortLosses(r.Losses)
	r.Readings = d.finals(resolver, live)
	return r
}

func (d *drawing) verdict(op int) *blackbox.Verdict {
	v := d.g.verdicts[lineOf(&d.writes[op])]
	return &v
}

// live is the writes that would survive, by key.
func (d *drawing) live(resolver string) map[int][]int {
	live := map[int][]int{}
	for i := range d.writes {
		if d.verdict(i).Under(resolver).Live {
			live[d.writes[i].Key] = append(live[d.writes[i].Key], i)
		}
	}
	return live
}

// finals is what every node would show in the end. What a counter shows is the sum of all
// that was added.
func (d *drawing) finals(resolver string, live map[int][]int) (all []page.Reading) {
	sums := map[int]int64{}
	if resolver == "counter" {
		sums = d.sums()
	}
	for lane := range d.all {
		if !d.all[lane].Leader {
			continue
		}
		for key := range d.keys {
			r := page.Reading{At: d.end, Lane: lane, Key: key, Ops: live[key]}
			if sum, counts := sums[key]; counts {
				r.Text = strconv.FormatInt(sum, 10)
			}
			if len(r.Ops) > 0 || r.Text != "" {
				all = append(all, r)
			}
		}
	}
	return all
}

// sums is what was added to each key that is only added to.
func (d *drawing) sums() map[int]int64 {
	sums := map[int]int64{}
	for _, op := range d.whole {
		if _, done := d.op[op.Line]; done && op.Verb == blackbox.Incr {
			sums[d.key[op.Key]] += op.Delta
		}
	}
	return sums
}

// clocks is the offsets with which last-write-wins would have kept the same.
func (d *drawing) clocks() []page.Clock {
	var all []page.Clock
	for lane := range d.all {
		if !d.all[lane].Leader {
			continue
		}
		var ahead time.Duration
		for _, o := range d.report.Clocks.Offsets {
			if o.Node == d.all[lane].Name && d.report.Clocks.Explained {
				ahead = o.Ahead
			}
		}
		all = append(all, page.Clock{Lane: lane, Points: []page.ClockPoint{{At: 0, Offset: ahead}}})
	}
	return all
}
