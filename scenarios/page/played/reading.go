package played

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/scenarios/branch"
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
	names, looked := map[string]int{}, 0
	for d, i := range b.op {
		names[d.String()] = i
	}
	for _, l := range b.result.Losses {
		loss := page.Loss{Op: b.first(l.Dots, names), By: page.None, Left: page.None, Class: string(l.Class), At: l.Acked, Lane: page.None, Until: page.Never}
		if i, ok := b.labels[l.By]; ok {
			loss.By, loss.Left = i, i
		}
		if d, ok := b.beaten[l.Label]; ok {
			loss.At, loss.Lane, loss.Why = d.at, d.lane, d.why
			if i, ok := b.labels[d.by]; ok {
				loss.By = i
			}
		}
		if a := l.Avoidable; a != nil {
			looked++
			if loss.Avoid = branch.Words(a, seconds(a.Until)); !a.Never {
				loss.Until = a.Until
			}
		}
		loss.At = max(loss.At, l.Acked) // before that nobody had been promised anything
		if loss.Op != page.None {
			b.Losses = append(b.Losses, loss)
		}
	}
	if n := len(b.result.Losses); looked < n && !b.result.Live {
		b.Notes = append(b.Notes, fmt.Sprintf("Until when a loss could have been avoided was looked for with %d of %d losses under %s; scenario run %s -r %s --branches N plays N branches.", looked, n, b.Name, b.result.Scenario, b.Name))
	}
	slices.SortStableFunc(b.Losses, func(x, y page.Loss) int { return int(x.At - y.At) })
}

// seconds is a moment as the page writes it.
func seconds(at time.Duration) string { return strconv.FormatFloat(at.Seconds(), 'f', -1, 64) + " s" }

// first is the op of the first dot that is known.
func (b *run) first(dots []string, names map[string]int) int {
	for _, d := range dots {
		if i, ok := names[d]; ok {
			return i
		}
	}
	return page.None
}
