package script

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kvd/scenarios/script/internal/spell"
)

func (p *parser) reader(l line) *reader { return &reader{file: p.file, line: l} }

func (p *parser) row(name string) (Verb, bool) {
	for _, row := range p.rows {
		if row.Name == name {
			return row, true
		}
	}
	return Verb{}, false
}

// verbsAt lists the verbs of some positions, in the order of the table.
func (p *parser) verbsAt(positions ...Position) []string {
	var names []string
	for _, row := range p.rows {
		if slices.Contains(positions, row.Position) {
			names = append(names, row.Name)
		}
	}
	return names
}

// declare reads the line if it is a declaration; mistakes in other lines are
// for the second pass. A misspelt declaration is reported at once: otherwise the lines
// that refer to what it says would be blamed.
func (p *parser) declare(l line) *Error {
	r := p.reader(l)
	first := r.next()
	row, known := p.row(first.raw)
	_, client := p.clients[first.raw]
	if !known && !client {
		beginnings := p.verbsAt(Declaration, SetUpOrTimed, Triggering, Ending)
		if near, _ := p.row(spell.Nearest(first.raw, beginnings)); near.Position == Declaration {
			r.failName(first, beginnings)
			return r.err
		}
	}
	if row.Position != Declaration {
		return nil
	}
	p.once(r, first)
	row.whole(p, r)
	r.done()
	return r.err
}

// once refuses a second line of a verb that may be there once, and keeps the notes of
// the first.
func (p *parser) once(r *reader, first word) {
	many := first.raw == "policy" || first.raw == "client" || first.raw == "check"
	switch {
	case many:
	case p.seen[first.raw]:
		r.fail(first, "no second "+first.raw+" line", "")
	case len(r.line.notes) > 0:
		p.scenario.Notes[first.raw] = r.line.notes
	}
	p.seen[first.raw] = true
}

func (p *parser) play(l line) *Error {
	r := p.reader(l)
	first := r.next()
	row, known := p.row(first.raw)
	_, client := p.clients[first.raw]
	switch {
	case client, row.Position == Timed, row.Position == Operation:
		r.fail(first, "a trigger before it", "begin the line with at, after or every")
	case !known:
		r.failName(first, p.verbsAt(Declaration, SetUpOrTimed, Triggering, Ending))
	case p.seen["settle"] && row.Name != "settle" && row.Name != "check":
		r.failOnce(first, "a check", "nothing happens after settle")
	case row.Position == Ending:
		p.once(r, first)
		row.whole(p, r)
	case row.Position == Triggering:
		p.event(r, first, row)
	case row.Position == SetUpOrTimed:
		p.setup(r, first, row)
	}
	if row.Position != Declaration {
		r.done()
	}
	return r.err
}

func (p *parser) setup(r *reader, first word, row Verb) {
	if len(p.scenario.Events) > 0 {
		r.fail(first, "a trigger, or this line above the first event", "without a trigger it happens before time zero")
	}
	p.scenario.Setup = append(p.scenario.Setup, Setup{r.line.notes, row.act(p, r)})
}

func (p *parser) event(r *reader, first word, row Verb) {
	e := Event{Notes: r.line.notes, Trigger: row.trigger(p, r)}
	e.Action = p.action(r, e.Trigger)
	p.happenings += e.Times()
	if p.happenings > maxHappenings {
		r.failOnce(first, fmt.Sprintf("at most %d happenings in all events together", maxHappenings), "")
	}
	p.scenario.Events = append(p.scenario.Events, e)
}

func (p *parser) at(r *reader) Trigger {
	return At{r.duration(r.next(), anySpan())}
}

func (p *parser) after(r *reader) Trigger {
	var a After
	w := r.next()
	a.Label = p.known(r, w)
	switch {
	case r.took("seen"):
		r.literal("by", "seen by is followed by a leader")
		p.visibleLabel(r, w)
		a.SeenBy = p.leader(r)
	default:
		r.took("acked") // it is what no words mean
	}
	if plus := r.peek(); strings.HasPrefix(plus.raw, "+") {
		a.Plus = r.duration(r.next(), signedSpan())
		p.within(r, plus, p.labels[a.Label].earliest+a.Plus)
	}
	return a
}

func (p *parser) every(r *reader) Trigger {
	var e Every
	first := r.peek()
	e.Period = r.duration(r.next(), positiveSpan())
	r.options(reading{least: 1, keyedOnly: true},
		keyed("times", func(w word) { e.Times = int(r.count(w, 1, maxTimes)) }),
		keyed("from", func(w word) { e.From = r.duration(w, anySpan()) }))
	if e.Times == 0 {
		r.fail(r.peek(), "times=N", "")
	}
	if e.Times > 1 && e.Period > (maxDuration-e.From)/time.Duration(e.Times-1) {
		r.fail(first, fmt.Sprintf("the last of %d times within %d years", e.Times, maxYears), "")
	}
	return e
}

// within refuses a moment that no clock can show.
func (p *parser) within(r *reader, w word, moment time.Duration) {
	if moment > maxDuration {
		r.fail(w, fmt.Sprintf("a moment within %d years of true time zero", maxYears), "")
	}
}

// earliest is the true time before which the trigger's last event cannot
// happen.
func (p *parser) earliest(t Trigger) time.Duration {
	if t, ok := t.(After); ok {
		return p.labels[t.Label].earliest + t.Plus
	}
	_, last, _ := Event{Trigger: t}.Timed()
	return last
}

func (p *parser) settle(r *reader) {
	p.scenario.Settle = r.duration(r.next(), positiveSpan())
}

func (p *parser) missing(end int) {
	for _, need := range []struct{ verb, form string }{
		{"name", "a line name N"}, {"leaders", "a line leaders N1 N2 ..."}, {"settle", "a line settle T"},
	} {
		if !p.seen[need.verb] {
			p.mistakes.Add(p.misfit(end, "", need.form))
		}
	}
}

func (p *parser) expect(section string, first int) {
	t := &p.scenario.Expect
	for i, text := range strings.Split(section, "\n") {
		r := p.reader(line{number: first + i, text: text})
		cells := r.cells()
		switch {
		case len(cells) == 0:
		case len(t.Columns) == 0:
			t.Columns = cells
		case len(cells) != len(t.Columns) && !(len(cells) == 1 && cells[0] == "..."):
			r.fail(word{column: len(text) + 1}, fmt.Sprintf("%d cells as in the header, not %d", len(t.Columns), len(cells)), "")
		default:
			t.Rows = append(t.Rows, cells)
		}
		p.mistakes.Add(r.err)
		if p.mistakes.TooMany() {
			return
		}
	}
}

func (r *reader) cells() []string {
	var cells []string
	for r.more() {
		cells = append(cells, r.content("a cell", 0, maxValueBytes))
	}
	return cells
}
