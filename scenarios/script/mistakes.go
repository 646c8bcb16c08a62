package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"kvd/scenarios/script/internal/spell"
)

// Bounds on what is told of a script that is full of mistakes.
const (
	toldMistakes = 20
	maxMistakes  = 1000 // reading ends there
	excerptBytes = 120  // of a line
)

// Mistakes are what is wrong with one script: at least one, in the order of its lines.
type Mistakes struct {
	First []*Error // at most 20
	More  int      // that were found and are not in First
	Ended bool     // reading ended before the end of the script, since there were 1,000
}

// Unwrap gives the mistakes to errors.As.
func (m *Mistakes) Unwrap() []error {
	all := make([]error, len(m.First))
	for i, e := range m.First {
		all[i] = e
	}
	return all
}

// Error is each mistake with its line and a caret under the place.
func (m *Mistakes) Error() string {
	var told []string
	if n := len(m.First) + m.More; n > 1 {
		told = append(told, fmt.Sprintf("%d mistakes", n))
	}
	for _, e := range m.First {
		told = append(told, e.Error())
		if excerpt := e.Excerpt(); excerpt != "" {
			told = append(told, excerpt)
		}
	}
	switch {
	case m.Ended:
		told = append(told, fmt.Sprintf("and %d more, and what comes after them was not read", m.More))
	case m.More > 0:
		told = append(told, fmt.Sprintf("and %d more", m.More))
	}
	return strings.Join(told, "\n")
}

// Excerpt is the mistake's line, indented, and below it a caret under the place; "" when
// the mistake is in no line. A long line is cut around the place.
func (e *Error) Excerpt() string {
	at := min(e.Column-1, len(e.Text))
	if e.Text == "" || at < 0 {
		return ""
	}
	from := max(0, at-excerptBytes/2)
	for from > 0 && !utf8.RuneStart(e.Text[from]) {
		from--
	}
	before := strings.ToValidUTF8(e.Text[from:at], "?")
	shown := before + strings.ToValidUTF8(e.Text[at:min(len(e.Text), from+excerptBytes)], "?")
	if from > 0 {
		before, shown = "..."+before, "..."+shown
	}
	if from+excerptBytes < len(e.Text) {
		shown += "..."
	}
	return "    " + strings.Map(visible, shown) + "\n    " + strings.Map(blank, before) + "^"
}

// visible keeps control characters from a terminal.
func visible(c rune) rune {
	if spell.IsText(c) {
		return c
	}
	return '?'
}

// blank is what takes as much room on a terminal as the character.
func blank(c rune) rune {
	if c == '\t' {
		return c
	}
	return ' '
}

// note keeps a mistake; nil is none. One cause is told once: see reader.failOnce.
func (p *parser) note(e *Error) {
	if e == nil || e.once && slices.ContainsFunc(p.mistakes, func(o *Error) bool { return o.once && o.Expected == e.Expected && o.Hint == e.Hint }) {
		return
	}
	p.mistakes = append(p.mistakes, e)
}

// tooMany reports whether reading on is pointless.
func (p *parser) tooMany() bool { return len(p.mistakes) >= maxMistakes }

// wrong is a *Mistakes, or nil if there are none.
func (p *parser) wrong() error {
	if len(p.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(p.mistakes, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	n := min(len(p.mistakes), toldMistakes)
	return &Mistakes{First: p.mistakes[:n], More: len(p.mistakes) - n, Ended: p.tooMany()}
}

// assume takes from a line with a mistake what other lines may refer to, so that they are
// not blamed for it: labels, backups, leaders, and what a misspelt verb was meant to say.
func (p *parser) assume(l line) {
	r := p.reader(l)
	verb := r.next().raw
	if _, known := p.row(verb); !known {
		verb = spell.Nearest(verb, p.verbsAt(Declaration, Ending))
		if row, ok := p.row(verb); ok {
			p.seen[verb] = true
			row.whole(p, r) // its other mistakes are told when the word is right
		}
	}
	words := strings.Fields(l.text)
	for i, w := range words {
		if i > 0 && verb == "leaders" && spell.IsName(w) && !p.leaderNames[w] {
			p.leaderNames[w] = true
			p.scenario.Leaders = append(p.scenario.Leaders, w)
		}
		if i == 0 || words[i-1] != "as" || !spell.IsName(w) {
			continue
		}
		p.backups[w] = true
		if _, ok := p.labels[w]; !ok {
			p.labels[w] = label{op: ClientOp{Kind: OpSet}}
		}
	}
}
