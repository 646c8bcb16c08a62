package engine

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"kvd/scenarios/script"
)

// fileName is what messages call the script.
const fileName = "script"

// Mistake is something that is wrong with a script.
type Mistake struct {
	Line    int    `json:"line,omitempty"`   // from 1; zero: it is of no line
	Column  int    `json:"column,omitempty"` // in characters, from 1
	Message string `json:"message"`
	Excerpt string `json:"excerpt,omitempty"` // as script.Error has it
}

// wrong is the answer that says what is wrong.
func wrong(err error) Answer {
	a := Answer{}
	for _, e := range each(err) {
		a.Mistakes = append(a.Mistakes, mistake(e))
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

func mistake(err error) Mistake {
	m := Mistake{Message: err.Error()}
	if at, ok := errors.AsType[*script.Error](err); ok && at.Line > 0 {
		before := at.Text[:min(max(0, at.Column-1), len(at.Text))]
		m.Line, m.Column, m.Excerpt = at.Line, utf8.RuneCountInString(before)+1, at.Excerpt()
	}
	return m
}
