package script

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kvd/scenarios/script/internal/mistake"
	"kvd/scenarios/script/internal/spell"

	"golang.org/x/tools/txtar"
)

// parser is one parse. What it has learned so far is what later lines may
// refer to.
type parser struct {
	file        string
	scenario    *Scenario
	resolvers   []string
	rows        []Verb
	checks      []CheckForm
	seen        map[string]bool // lines that may be there once
	leaderNames map[string]bool
	clients     map[string]Client
	prefixes    map[string]bool
	labels      map[string]label
	backups     map[string]bool
	locks       map[string]bool  // whether it is a redlock
	claims      map[string]claim // by leader, what synchronous clocks are held to
	happenings  int              // events so far, each as often as it happens
	mistakes    mistake.Found    // so far
}

// label is what is known of a labelled operation.
type label struct {
	op       ClientOp
	earliest time.Duration // true time before which it cannot happen
}

// Parse reads a script; file is its name in messages. Every failure is a *Mistakes.
// The scenario shares no memory with data.
func Parse(file string, data []byte) (*Scenario, error) {
	p := newParser(file)
	if err := p.parse(data); err != nil {
		return nil, err
	}
	return p.scenario, nil
}

func newParser(file string) *parser {
	return &parser{
		file:        file,
		scenario:    &Scenario{Model: DefaultModel(), Notes: map[string]Notes{}},
		resolvers:   Resolvers(),
		rows:        Verbs(),
		checks:      Checks(),
		seen:        map[string]bool{},
		leaderNames: map[string]bool{},
		clients:     map[string]Client{},
		prefixes:    map[string]bool{},
		labels:      map[string]label{},
		backups:     map[string]bool{},
		locks:       map[string]bool{},
		claims:      map[string]claim{},
	}
}

// parse reads declarations first, so that the other lines may refer to them
// wherever they are. The error is nil or a *Mistakes.
func (p *parser) parse(data []byte) error {
	text := p.decode(data)
	if p.mistakes.Len() > 0 {
		return p.mistakes.Err()
	}
	parts := p.split(text)
	if p.mistakes.Len() > 0 {
		return p.mistakes.Err()
	}
	lines, end := linesOf(parts.scenario, parts.scenarioLine)
	p.scenario.Prose = parts.prose
	if len(end) > 0 {
		p.scenario.Notes[""] = end
	}
	p.read(lines)
	if !p.mistakes.TooMany() {
		p.missing(parts.expectLine)
		p.expect(parts.expect, parts.expectLine+1)
	}
	if p.mistakes.Len() == 0 {
		p.bounded(p.scenario.Print(), " in canonical form")
	}
	return p.mistakes.Err()
}

// read takes each line in the pass that it belongs to, and goes on behind mistakes.
func (p *parser) read(lines []line) {
	wrong := map[int]bool{} // by line: what it has to say was said
	for _, pass := range []func(line) *Error{p.declare, p.play} {
		for _, l := range lines {
			if wrong[l.number] || p.mistakes.TooMany() {
				continue
			}
			if err := pass(l); err != nil {
				wrong[l.number] = true
				p.mistakes.Add(err)
				p.assume(l)
			}
		}
	}
}

// decode refuses text that is too large or no text, and makes line ends plain.
func (p *parser) decode(data []byte) []byte {
	if !p.bounded(data, "") {
		return nil
	}
	text := bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	number := 0
	for l := range strings.SplitSeq(string(text), "\n") {
		number++
		if at := firstUnreadable(l); at >= 0 && !p.mistakes.TooMany() {
			r := p.reader(line{number: number, text: l})
			r.fail(word{raw: l[at : at+1], column: at + 1}, "plain text in UTF-8", "remove the byte, or quote it in a Go string")
			p.mistakes.Add(r.err)
		}
	}
	return text
}

// firstUnreadable is the index of the first control character or byte that is
// not UTF-8, or -1.
func firstUnreadable(text string) int {
	for i, c := range text {
		_, width := utf8.DecodeRuneInString(text[i:])
		if !spell.IsText(c) || c == utf8.RuneError && width == 1 {
			return i
		}
	}
	return -1
}

func (p *parser) bounded(data []byte, form string) bool {
	found := p.mistakes.Len()
	if len(data) > maxFileBytes {
		p.mistakes.Add(p.misfit(1, fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("at most %d bytes%s", maxFileBytes, form)))
	} else if n := bytes.Count(data, []byte("\n")); n > maxLines {
		p.mistakes.Add(p.misfit(maxLines+1, fmt.Sprintf("%d lines", n), fmt.Sprintf("at most %d lines%s", maxLines, form)))
	}
	return p.mistakes.Len() == found
}

func (p *parser) misfit(number int, read, expected string) *Error {
	return &Error{File: p.file, Line: number, Column: 1, Read: read, Expected: expected}
}

// parts are the sections of the archive and the lines they begin at.
type parts struct {
	prose        string
	scenario     string
	scenarioLine int // of its first line
	expect       string
	expectLine   int // of its marker, or of the end of the file
}

func (p *parser) split(text []byte) parts {
	archive := txtar.Parse(text)
	at := 1 + bytes.Count(archive.Comment, []byte("\n"))
	out := parts{prose: string(archive.Comment)}
	want := []string{"scenario", "expect"}
	for i, f := range archive.Files {
		if i >= len(want) {
			p.mistakes.Add(p.misfit(at, marker(f.Name), "the end of the file"))
			return parts{}
		}
		if f.Name != want[i] {
			p.mistakes.Add(p.misfit(at, marker(f.Name), marker(want[i])))
			return parts{}
		}
		at += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	if len(archive.Files) == 0 {
		p.mistakes.Add(p.misfit(at, "", marker("scenario")))
		return parts{}
	}
	out.scenario = string(archive.Files[0].Data)
	out.scenarioLine = strings.Count(out.prose, "\n") + 2
	out.expectLine = out.scenarioLine + strings.Count(out.scenario, "\n")
	if len(archive.Files) == 2 {
		out.expect = string(archive.Files[1].Data)
	}
	return out
}

func marker(name string) string { return "-- " + name + " --" }

// linesOf separates the lines that say something from the notes above them.
// Notes below the last line are returned apart, without blank lines at the
// very end.
func linesOf(section string, first int) (lines []line, end Notes) {
	var notes Notes
	for i, written := range strings.Split(strings.TrimSuffix(section, "\n"), "\n") {
		text := strings.Trim(written, " \t")
		switch {
		case text == "" && len(notes) > 0 && notes[len(notes)-1] == "":
		case text == "" || text[0] == '#':
			notes = append(notes, text)
		default:
			lines = append(lines, line{first + i, strings.TrimRight(written, " \t"), notes})
			notes = nil
		}
	}
	for len(notes) > 0 && notes[len(notes)-1] == "" {
		notes = notes[:len(notes)-1]
	}
	return lines, clone(notes)
}
