package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/course"
	"kvd/scenarios/script"
)

func learnCommand() *cli.Command {
	return &cli.Command{
		Name: "learn", Usage: "a way through the chapter: what to run for each heading, and exercises", ArgsUsage: "[SECTION|EXERCISE]",
		Description: `Without an argument it lists the headings; with a section's name it says what to look at
and what to do; with an exercise's name it prints the script to begin with:

   scenario learn timestamps-1 > mine.txtar
   scenario check mine.txtar                  is it solved?`,
		Action: learn,
	}
}

func learn(c *cli.Context) error {
	if c.NArg() > 1 {
		return cliutil.Usage("scenario learn takes one name", fmt.Sprintf("there are %d", c.NArg()), "scenario learn "+c.Args().First())
	}
	sections := course.Sections()
	name := c.Args().First()
	if name == "" {
		return listSections(c.App.Writer, sections)
	}
	if e, ok := course.Find(name); ok {
		_, err := c.App.Writer.Write(e.Source())
		return err
	}
	i := slices.IndexFunc(sections, func(s course.Section) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range sections {
			names = append(names, s.Name)
			for _, e := range s.Exercises {
				names = append(names, e.Name)
			}
		}
		return cliutil.Usage(fmt.Sprintf("unknown section %q", name), "the course has none of that name", cliutil.DidYouMean(cliutil.Nearest(name, names), "scenario learn lists them"))
	}
	return tellSection(c.App.Writer, sections[i])
}

func listSections(w io.Writer, sections []course.Section) error {
	b := &strings.Builder{}
	fmt.Fprintln(b, "Kleppmann, Designing Data-Intensive Applications, chapter 8: The Trouble with Distributed Systems")
	fmt.Fprintln(b)
	for _, s := range sections {
		fmt.Fprintf(b, "%-11s %s\n            scenarios: %s\n", s.Name, s.Heading, strings.Join(s.Scenarios, ", "))
	}
	fmt.Fprintln(b, "\nscenario learn timestamps says what to look at, and has two exercises, as each section has.")
	_, err := io.WriteString(w, b.String())
	return err
}

func tellSection(w io.Writer, s course.Section) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s\n\n%s\n\nTo look at:\n", s.Heading, s.Text)
	for _, name := range s.Scenarios {
		fmt.Fprintf(b, "   scenario run %s\n", name)
	}
	fmt.Fprintf(b, "   scenario compare %s --html %s.html\n", s.Scenarios[0], s.Scenarios[0])
	for _, e := range s.Exercises {
		fmt.Fprintf(b, "\nExercise %s\n%s\n\n   scenario learn %s > mine.txtar\n   scenario check mine.txtar\n", e.Name, e.Task, e.Name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// correct says whether the exercise that the script is made of is solved.
func correct(c *cli.Context, arg string, e course.Exercise, s *script.Scenario) error {
	if err := e.Changed(s); err != nil {
		return &cliutil.Problem{What: arg + ": " + e.Name + " is another exercise now", Why: err.Error(),
			Next: fmt.Sprintf("change only lines like %q; scenario learn %s prints what it was", e.Free, e.Name), Code: cliutil.Broken}
	}
	results, err := scenarios.Compare(c.Context, []*script.Scenario{s}, scenarios.Resolvers(), 0, runtime.NumCPU(), nil)
	if err != nil {
		return cliutil.Fail("cannot play "+arg, err, "")
	}
	why, first := unsolved(results)
	if len(why) == 0 {
		_, err := fmt.Fprintf(c.App.Writer, "  exercise  %s is solved\n", e.Name)
		return err
	}
	return &cliutil.Problem{What: arg + ": " + e.Name + " is not solved yet", Why: strings.Join(why, "\n      "),
		Next: fmt.Sprintf("change lines like %q; scenario run %s --resolver %s explains what happens", e.Free, arg, first), Code: cliutil.Broken}
}

// unsolved is every check that does not hold, with the resolvers under which it does not,
// and the first of those; it is empty where all hold.
func unsolved(results []*scenarios.Result) (why []string, first string) {
	under := map[string][]string{}
	for _, r := range results {
		for _, p := range r.Promises {
			if p.Held {
				continue
			}
			text := fmt.Sprintf("check %s: %s", p.Check, p.Why)
			if under[text] == nil {
				why = append(why, text)
			}
			under[text] = append(under[text], r.Resolver)
		}
	}
	for i, text := range why {
		names := strings.Join(under[text], ", ")
		if len(under[text]) == len(results) {
			names = "every resolver"
		}
		why[i] += " (under " + names + ")"
		if i == 0 {
			first = under[text][0]
		}
	}
	return why, first
}
