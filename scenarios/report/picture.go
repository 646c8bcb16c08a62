package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// maxSpaced is the number of entries up to which moments are a free line apart.
const maxSpaced = 20

// Picture draws one run in space and time: a line for each leader and client,
// time downwards, messages as arrows at the moment they arrive, and every loss
// with the comparison that decided it. s is the script that r is a result of.
func Picture(w io.Writer, s *script.Scenario, r *scenarios.Result, st Style) error {
	if r.Trace == nil {
		return fmt.Errorf("draw %s under %s: the result has no trace", r.Scenario, r.Resolver)
	}
	drawn, left := choose(entries(r.Trace), lostLabels(r))
	p := picture{style: st, drawn: drawn, columns: st.whole(pictureWidth)}
	var without []string
	p.participants, without = layOut(s, drawn, p.columns)
	p.idle = idle(drawn)
	p.head(s, r)
	p.body()
	p.foot(s, r, left, without)
	_, err := io.WriteString(w, p.text.String())
	return err
}

type picture struct {
	style        Style
	columns      int
	participants participants
	drawn        []entry
	idle         time.Duration
	text         strings.Builder
}

func (p *picture) head(s *script.Scenario, r *scenarios.Result) {
	for _, line := range wrap(titled(fmt.Sprintf("%s under %s, seed %d", r.Scenario, r.Resolver, r.Seed), s.Title), p.columns) {
		p.line(line, false)
	}
	p.line("", false)
	names := []rune(strings.Repeat(" ", p.participants.area()+p.participants.pitch))
	for i, n := range p.participants.names {
		copy(names[i*p.participants.pitch:], []rune(cut(n, p.participants.pitch-1)))
	}
	p.line(pad("true time", timeColumns)+strings.TrimRight(string(names), " "), false)
}

func (p *picture) body() {
	for i := range p.drawn {
		b := &p.drawn[i]
		first := i == 0 || b.at != p.drawn[i-1].at
		if first {
			p.gap(i)
		}
		p.entry(b, first)
	}
}

// gap leaves a line free for the time since the entry before. A long time is named.
func (p *picture) gap(i int) {
	since := p.drawn[i].at
	if i > 0 {
		since -= p.drawn[i-1].at
	}
	if i > 0 && since >= p.idle {
		p.row("", p.participants.idle('┊'), span(since)+" without anything drawn here", false)
	} else if i == 0 || len(p.drawn) <= maxSpaced {
		p.row("", p.participants.idle('│'), "", false)
	}
}

func (p *picture) entry(b *entry, first bool) {
	when := ""
	if first {
		when = trueTime(b.at)
	}
	loss := b.kind == trace.Lost
	switch {
	case b.kind == trace.Fault:
		p.row(when, p.participants.idle('═'), b.words, false)
	case loss || b.kind == trace.Retracted:
		p.row(when, p.participants.mark(b.to, b.sign), string(b.sign)+" "+b.words, loss)
	case b.from == "":
		p.row(when, p.participants.mark(b.to, b.sign), b.who+" "+b.words, false)
	default:
		p.row(when, p.participants.arrow(b.from, b.to, b.arrow, b.sign, b.dropped), b.who+" "+b.words, loss)
	}
}

// row writes a row and words beside it, on as many lines as the words need.
func (p *picture) row(when string, row []rune, words string, loss bool) {
	left := timeColumns + p.participants.area() + 1
	for i, note := range wrap(words, max(20, p.columns-left)) {
		if i > 0 {
			when, row = "", p.participants.idle('│')
		}
		p.line(pad(pad(when, timeColumns)+string(row), left)+note, loss)
	}
}

func (p *picture) line(text string, loss bool) {
	text = strings.TrimRight(text, " ")
	if loss {
		text = p.style.red(text)
	}
	p.text.WriteString(text + "\n")
}

func (p *picture) foot(s *script.Scenario, r *scenarios.Result, left string, without []string) {
	p.line("", false)
	sentences := []string{ending(s, r)}
	if left != "" {
		sentences = append(sentences, left)
	}
	if len(without) > 0 {
		sentences = append(sentences, "Too narrow to draw "+list(without)+".")
	}
	sentences = append(sentences, "Arrows show arrivals; ● accepted or applied, ✓ acknowledged, ✗ lost, ╳ in vain.")
	for _, sentence := range sentences {
		for _, line := range wrap(sentence, p.columns) {
			p.line(line, false)
		}
	}
}

// ending is what the leaders show in the end, and what became of the updates.
func ending(s *script.Scenario, r *scenarios.Result) string {
	var each []string
	keys := scenarios.Keys([]*scenarios.Result{r})
	for i, k := range keys {
		if i == maxKeys {
			each = append(each, count(len(keys)-maxKeys, "more key"))
			break
		}
		each = append(each, clean(k)+" = "+inWords(r, k, 40))
	}
	text := balance(r)
	if down := stopped(s.Leaders, r); len(down) > 0 {
		text += " " + notRunning(down)
	}
	if len(each) == 0 {
		return text
	}
	return fmt.Sprintf("In the end %s. %s", list(each), text)
}

func stopped(leaders []string, r *scenarios.Result) []string {
	return slices.DeleteFunc(slices.Clone(leaders), func(n string) bool {
		_, runs := r.Values[n]
		return runs
	})
}

func notRunning(names []string) string {
	if len(names) == 1 {
		return names[0] + " does not run in the end, and nobody asks it what it shows."
	}
	return list(names) + " do not run in the end, and nobody asks them what they show."
}

func lostLabels(r *scenarios.Result) map[string]bool {
	lost := map[string]bool{}
	for _, l := range r.Losses {
		lost[l.Label] = true
	}
	return lost
}
