package engine

import (
	"errors"
	"fmt"
	"strings"

	"kvd/scenarios/script"
)

// fileName is what messages call the script.
const fileName = "script"

// Mistake is something that is wrong with a script.
type Mistake struct {
	Line    int    `json:"line,omitempty"`   // from 1; zero: it is of no line
	Column  int    `json:"column,omitempty"` // in characters, from 1
	Message string `json:"message"`
	Excerpt string `json:"excerpt,omitempty"` // the line, and a caret below the place
}

// wrong is the answer that says what is wrong with a text.
func wrong(text string, err error) Answer {
	a := Answer{}
	for _, e := range each(err) {
		a.Mistakes = append(a.Mistakes, mistake(text, e))
	}
	var all *script.Mistakes
	if errors.As(err, &all) && all.More > 0 {
		a.Mistakes = append(a.Mistakes, Mistake{Message: fmt.Sprintf("and %d more", all.More)})
	}
	return a
}

// each is the errors that an error joins.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func mistake(text string, err error) Mistake {
	var at *script.Error
	lines := strings.Split(text, "\n")
	if !errors.As(err, &at) || at.Line < 1 || at.Line > len(lines) {
		return Mistake{Message: err.Error()}
	}
	line := strings.TrimSuffix(lines[at.Line-1], "\r")
	before := line[:min(max(0, at.Column-1), len(line))]
	m := Mistake{Line: at.Line, Column: len([]rune(before)) + 1, Message: at.Error()}
	m.Excerpt = line + "\n" + strings.Map(blank, before) + "^"
	return m
}

// blank keeps tabs, so that a caret stands below its place.
func blank(c rune) rune {
	if c == '\t' {
		return c
	}
	return ' '
}
