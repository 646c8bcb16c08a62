// Package picture makes a page of what exploring found: seeds by resolvers, what the
// histories came upon and what never happened, and the first counter-example, shrunk, as the
// diagram of package page.
//
//	explore.Report ─▶ sections of HTML ─┐
//	shrunk history, played again ─▶ story ─▶ page.Frame ─▶ one HTML file
//
// What the package is not: it explores nothing. Played again is the shrunk history alone.
//
// Bounds: maxRows seeds have a row of their own, maxFailures failures their text; those that
// have not are counted.
package picture

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"strings"

	"kvd/scenarios"
	"kvd/scenarios/branch"
	"kvd/scenarios/explore"
	"kvd/scenarios/page"
	"kvd/scenarios/page/played"
	"kvd/scenarios/world"
)

const (
	maxRows     = 1000
	maxFailures = 20
)

// Write writes the page. The configuration is the one that was explored with; outcome says
// in words how it ended, and command what was called.
func Write(w io.Writer, c *explore.Config, found *explore.Report, outcome, command string) error {
	s := &page.Story{Name: "Explored histories", Title: outcome, Prose: about}
	v := view{Report: found, Command: command, Happened: happened(found)}
	for _, id := range c.Resolvers {
		v.Resolvers = append(v.Resolvers, id.String())
	}
	v.Rows, v.Beyond = rows(found, v.Resolvers)
	for i := range found.Failures {
		if i == maxFailures {
			v.Untold = len(found.Failures) - maxFailures
			break
		}
		v.Told = append(v.Told, told(&found.Failures[i]))
	}
	if len(found.Failures) > 0 {
		v.First = v.counterexample(s, c, &found.Failures[0])
	}
	var b strings.Builder
	if err := sections.Execute(&b, v); err != nil {
		return fmt.Errorf("write page of explored histories: %w", err)
	}
	return page.Frame{Above: template.HTML(b.String()), Style: style}.Write(w, s)
}

const about = `Each seed makes up a history: leaders, clients, what they ask, and what goes wrong. It is played under each resolver, and what must hold in all histories is checked: leaders converge, sessions keep their guarantees, nothing acknowledged is gone without a rule that says so, equal histories give equal states, and the leaders' own ledgers agree with an oracle that saw only what clients saw.

A history that breaks a promise is shrunk: lines are left out while the same promise stays broken.`

// counterexample plays the shrunk history and puts it into the story; what it returns says
// that it did, or why it cannot be drawn.
func (v *view) counterexample(s *page.Story, c *explore.Config, f *explore.Failure) string {
	run := c.Run
	if run == nil {
		run = scenarios.Run
	}
	r, err := run(f.Scenario, scenarios.Options{Resolver: f.Resolver, Seed: f.Seed})
	if err != nil {
		return "It cannot be drawn, since it does not come to its end: " + err.Error()
	}
	looked := branch.Look(context.Background(), f.Scenario, r, branch.Default)
	drawn, err := played.Story(f.Scenario, []*scenarios.Result{r})
	if err != nil {
		return "It cannot be drawn: " + err.Error()
	}
	s.Zero, s.Lanes, s.Keys, s.Runs = drawn.Zero, drawn.Lanes, drawn.Keys, drawn.Runs
	if looked != nil { // what breaks a promise may well not come to its end elsewhere
		return below + " Until when its losses could have been avoided is not known: " + looked.Error()
	}
	return below
}

const below = "Below is the first of them, shrunk."

// view is what the sections show.
type view struct {
	*explore.Report
	Command   string
	Resolvers []string
	Rows      []row
	Beyond    int // seeds without a row
	Happened  []happening
	Told      []failure
	Untold    int
	First     string // what became of the first counter-example
}

// row is one seed.
type row struct {
	Seed  uint64
	Cells []cell
}

// cell is a seed under a resolver.
type cell struct{ Text, Class, Words string }

func rows(found *explore.Report, resolvers []string) (all []row, beyond int) {
	at := map[string]int{}
	for i, name := range resolvers {
		at[name] = i
	}
	var last *row
	seeds := 0
	for _, r := range found.Played {
		if last == nil || last.Seed != r.Seed {
			if seeds++; seeds > maxRows {
				last = &row{Seed: r.Seed, Cells: make([]cell, len(resolvers))}
				continue
			}
			all = append(all, row{Seed: r.Seed, Cells: make([]cell, len(resolvers))})
			last = &all[len(all)-1]
		}
		last.Cells[at[r.Resolver.String()]] = cellOf(&r)
	}
	return all, max(0, seeds-maxRows)
}

func cellOf(r *explore.Played) cell {
	c := cell{Text: fmt.Sprintf("%d/%d", r.Lost, r.Acked), Words: fmt.Sprintf("%d of %d acknowledged updates lost", r.Lost, r.Acked)}
	switch {
	case r.Broken > 0:
		c.Text, c.Class = "✗ "+c.Text, "broke"
		c.Words += fmt.Sprintf(", %d promises broken", r.Broken)
	case r.Lost > 0:
		c.Class = "loses"
	}
	return c
}

// happening is how often something happened.
type happening struct {
	What  string
	Times int
}

func happened(found *explore.Report) (all []happening) {
	for _, what := range world.Happenings() {
		all = append(all, happening{what, found.Fired[what]})
	}
	return all
}

// failure is a history that broke a promise.
type failure struct {
	*explore.Failure
	Text string
}

func told(f *explore.Failure) failure { return failure{f, string(f.Scenario.Print())} }
