package played

import (
	"slices"
	"strings"

	"kvd/scenarios/page"
	"kvd/scenarios/trace"
)

// reading takes down what a leader shows right after an event, if that is something else
// than before.
func (b *run) reading(e trace.Event, leader int) {
	if b.result.Live {
		return // nobody looks at real leaders all the time
	}
	b.show(page.Reading{At: e.At, Lane: leader, Key: b.key[e.Key], Ops: b.known(e.After), Text: page.Shorten(e.Total)})
}

func (b *run) show(r page.Reading) {
	at := shown{r.Lane, r.Key}
	if before := b.shows[at]; slices.Equal(before.Ops, r.Ops) && before.Text == r.Text {
		return
	}
	b.shows[at] = r
	b.Readings = append(b.Readings, r)
}

// final is what a leader shows in the end. Where that is not what its writes put, it is
// said in words.
func (b *run) final(e trace.Event, leader int) {
	r := page.Reading{At: e.At, Lane: leader, Key: b.key[e.Key], Ops: b.known(e.Dots)}
	var wrote []string
	for _, i := range r.Ops {
		if !b.Ops[i].Delete {
			wrote = append(wrote, b.Ops[i].Value)
		}
	}
	short := make([]string, len(e.Values))
	for i, v := range e.Values {
		short[i] = page.Shorten(v)
	}
	slices.Sort(wrote)
	if slices.Sort(short); !slices.Equal(wrote, short) {
		r.Text = words(e.Values)
	}
	b.show(r)
}

// words is values on one line; none is said to be absent.
func words(values []string) string {
	if len(values) == 0 {
		return "absent"
	}
	short := make([]string, len(values))
	for i, v := range values {
		short[i] = page.Shorten(v)
	}
	return strings.Join(short, " | ")
}

// losses lists the updates that are lost, each from the moment a leader preferred another.
func (b *run) losses() {
	names := map[string]int{}
	for d, i := range b.op {
		names[d.String()] = i
	}
	for _, l := range b.result.Losses {
		loss := page.Loss{Op: b.first(l.Dots, names), By: page.None, Left: page.None, Class: string(l.Class), At: l.Acked, Lane: page.None}
		if i, ok := b.labels[l.By]; ok {
			loss.By, loss.Left = i, i
		}
		if d, ok := b.beaten[l.Label]; ok {
			loss.At, loss.Lane, loss.Why = d.at, d.lane, d.why
			if i, ok := b.labels[d.by]; ok {
				loss.By = i
			}
		}
		loss.At = max(loss.At, l.Acked) // before that nobody had been promised anything
		if loss.Op != page.None {
			b.Losses = append(b.Losses, loss)
		}
	}
	slices.SortStableFunc(b.Losses, func(x, y page.Loss) int { return int(x.At - y.At) })
}

// first is the op of the first dot that is known.
func (b *run) first(dots []string, names map[string]int) int {
	for _, d := range dots {
		if i, ok := names[d]; ok {
			return i
		}
	}
	return page.None
}
