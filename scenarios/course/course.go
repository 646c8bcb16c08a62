package course

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kvd/scenarios/script"
)

//go:embed exercises/*.txtar
var files embed.FS

// Section is one heading of the chapter and what runs here about it.
type Section struct {
	Name      string
	Heading   string   // as the book has it
	Text      string   // what to look for, a paragraph
	Scenarios []string // of the library, in the order of reading
	Exercises []Exercise
}

// Exercise is a script whose checks do not hold yet.
type Exercise struct {
	Name string
	Task string // what is to be changed, a paragraph
	Free string // the lines that may be changed, one pattern, in which * stands for any text
	More bool   // lines like Free may be added, too
}

// Source is the script to begin with, as a file.
func (e Exercise) Source() []byte {
	b, err := files.ReadFile("exercises/" + e.Name + ".txtar")
	if err != nil {
		panic(err) // the table of sections names a file that is not there
	}
	return b
}

// Sections is the course in the order of the chapter. The caller owns the list.
func Sections() []Section {
	all := slices.Clone(sections)
	for i := range all {
		all[i].Exercises = slices.Clone(all[i].Exercises)
		for j := range all[i].Exercises {
			e := &all[i].Exercises[j]
			task, _, _ := strings.Cut(string(e.Source()), "\n-- ")
			e.Task = strings.TrimSpace(task)
		}
	}
	return all
}

// Find is the exercise of that name.
func Find(name string) (Exercise, bool) {
	for _, s := range Sections() {
		for _, e := range s.Exercises {
			if e.Name == name {
				return e, true
			}
		}
	}
	return Exercise{}, false
}

// Changed is an error where the script differs from the exercise's own in a line that is
// not free. Spaces, notes and expectations do not count.
func (e Exercise) Changed(s *script.Scenario) error {
	own, err := script.Parse(e.Name+".txtar", e.Source())
	if err != nil {
		return fmt.Errorf("the exercise %s: %w", e.Name, err)
	}
	free := e.pattern()
	want, wantFree := divide(lines(own), free)
	got, gotFree := divide(lines(s), free)
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Errorf("the line %q is gone", want[i])
		case i >= len(want):
			return fmt.Errorf("the line %q is new", got[i])
		case want[i] != got[i]:
			return fmt.Errorf("the line %q has become %q", want[i], got[i])
		}
	}
	if len(gotFree) < len(wantFree) || len(gotFree) > len(wantFree) && !e.More {
		return fmt.Errorf("there are %d lines like %q, there were %d", len(gotFree), e.Free, len(wantFree))
	}
	return nil
}

// pattern is Free as an expression for whole lines.
func (e Exercise) pattern() *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(e.Free), `\*`, ".*") + "$")
}

// lines is the script's lines with single spaces, without notes and expectations.
func lines(s *script.Scenario) []string {
	_, text, _ := strings.Cut(string(s.Print()), "-- scenario --\n")
	text, _, _ = strings.Cut(text, "\n-- ")
	var all []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0][0] != '#' {
			all = append(all, strings.Join(words, " "))
		}
	}
	return all
}

// divide is the lines that stay and those that are free.
func divide(all []string, free *regexp.Regexp) (fixed, open []string) {
	for _, line := range all {
		if free.MatchString(line) {
			open = append(open, line)
		} else {
			fixed = append(fixed, line)
		}
	}
	return fixed, open
}
