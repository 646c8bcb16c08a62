package compat

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// doc is where the tables are.
const doc = "../../../replica/resp/COMPATIBILITY.md"

// The headings above the tables that are read.
const (
	differHeading   = "## Answers that differ"
	looseHeading    = "## Compared by what they say"
	unplayedHeading = "## Not played"
	missingHeading  = "## Commands that are not here"
)

// tables is what COMPATIBILITY.md says.
type tables struct {
	differ   []*row
	loose    []string // names
	unplayed []string // names
	missing  []string // names, in which * is anything
}

// row is one listed difference. Each part is patterns, in which * is anything; one
// of them must fit.
type row struct {
	line                int
	command, redis, kvd []string
	used                int
	pending             bool // it may be unused
}

// span is a code span of Markdown.
var span = regexp.MustCompile("`([^`]+)`")

func spans(cell string) []string {
	var all []string
	for _, m := range span.FindAllStringSubmatch(cell, -1) {
		all = append(all, strings.ReplaceAll(m[1], `\|`, "|"))
	}
	return all
}

// readTables reads the document.
func readTables() (*tables, error) {
	text, err := os.ReadFile(doc)
	if err != nil {
		return nil, err
	}
	t, heading, n := &tables{}, "", 0
	for line := range strings.Lines(string(text)) {
		n++
		if strings.HasPrefix(line, "## ") {
			heading = strings.TrimSpace(line)
		}
		cells := cells(line)
		if len(cells) == 0 || len(spans(cells[0])) == 0 {
			continue
		}
		switch heading {
		case differHeading:
			r, err := readRow(cells)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", doc, n, err)
			}
			r.line = n
			t.differ = append(t.differ, r)
		case looseHeading:
			t.loose = append(t.loose, spans(cells[0])...)
		case unplayedHeading:
			t.unplayed = append(t.unplayed, spans(cells[0])...)
		case missingHeading:
			t.missing = append(t.missing, spans(cells[0])...)
		}
	}
	return t, nil
}

// readPending reads rows that nobody misses when they are not needed any more: what
// is about to be mended.
func (t *tables) readPending() error {
	text, err := os.ReadFile("testdata/pending.txt")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		r, err := readRow(append(cells(line), "it is being mended"))
		if err != nil {
			return err
		}
		r.pending = true
		t.differ = append(t.differ, r)
	}
	return nil
}

// cells splits a line of a Markdown table; nil: it is none.
func cells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") {
		return nil
	}
	line = strings.ReplaceAll(line, `\|`, "\x00")
	var all []string
	for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
		all = append(all, strings.TrimSpace(strings.ReplaceAll(c, "\x00", `\|`)))
	}
	return all
}

func readRow(cells []string) (*row, error) {
	if len(cells) != 4 {
		return nil, fmt.Errorf("a row has %d cells; it is command, Redis 7.0, kvd, why", len(cells))
	}
	r := &row{command: spans(cells[0]), redis: spans(cells[1]), kvd: spans(cells[2])}
	if len(r.redis) == 0 || len(r.kvd) == 0 || len(cells[3]) < 10 {
		return nil, fmt.Errorf("%s needs both answers, between backquotes, and a reason", cells[0])
	}
	return r, nil
}

// listed reports whether a row admits the difference, and marks it used. Commands
// are matched without quotes, and in any case.
func (t *tables) listed(args []string, redis, kvd reply) bool {
	cmd, theirs, ours := strings.ReplaceAll(words(args), `"`, ""), shown(redis), shown(kvd)
	for _, r := range t.differ {
		if fitsAny(r.command, strings.ToUpper(cmd), strings.ToUpper) && fitsAny(r.redis, theirs, nil) && fitsAny(r.kvd, ours, nil) {
			r.used++
			return true
		}
	}
	return false
}

func fitsAny(patterns []string, text string, fold func(string) string) bool {
	for _, p := range patterns {
		if fold != nil {
			p = fold(p)
		}
		if fits(p, text) {
			return true
		}
	}
	return false
}

// fits matches all of the text; * is anything.
func fits(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
