// Package mistake is what is wrong with a script: where, what was read and what was expected, and
// how people are shown it. It reads no scripts, and knows neither verbs nor scenarios.
package mistake

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
	maxTold      = 20
	maxFound     = 1000 // reading ends there
	excerptBytes = 120  // of a line
)

// Error is one mistake in a script.
type Error struct {
	File     string
	Line     int    // in the whole archive, from 1
	Column   int    // in bytes, from 1
	Read     string // as it is written in the script; empty: the line or the file ended
	Expected string
	Hint     string // what to do about it, may be empty
	Text     string // the line as it is written; empty: the mistake is in no line
	Shared   bool   // others that expect the same have the same cause, and one of them is told
}

func (e *Error) Error() string {
	read := "nothing more"
	if e.Read != "" {
		read = fmt.Sprintf("%q", spell.Shorten(e.Read))
	}
	text := fmt.Sprintf("%s:%d:%d: read %s, expected %s", e.File, e.Line, e.Column, read, e.Expected)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Found gathers the mistakes of one script while it is read. The zero value has none.
type Found struct{ all []*Error }

// Add keeps a mistake; nil is none. Of those that are shared the first is kept.
func (f *Found) Add(e *Error) {
	if e == nil || e.Shared && slices.ContainsFunc(f.all, func(o *Error) bool { return o.Shared && o.Expected == e.Expected && o.Hint == e.Hint }) {
		return
	}
	f.all = append(f.all, e)
}

// Len is how many were found so far.
func (f *Found) Len() int { return len(f.all) }

// TooMany reports whether reading on is pointless.
func (f *Found) TooMany() bool { return len(f.all) >= maxFound }

// Err is a *Mistakes, or nil if none was found.
func (f *Found) Err() error {
	if len(f.all) == 0 {
		return nil
	}
	slices.SortStableFunc(f.all, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	n := min(len(f.all), maxTold)
	return &Mistakes{First: f.all[:n], More: len(f.all) - n, Ended: f.TooMany()}
}

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
