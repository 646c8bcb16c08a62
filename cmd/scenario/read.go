package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios/course"
	"kvd/scenarios/library"
	"kvd/scenarios/live"
	"kvd/scenarios/script"
)

func listLibrary(c *cli.Context) error {
	if err := takes(c, 0); err != nil {
		return err
	}
	all, err := library.All()
	if err != nil {
		return cliutil.Fail("cannot read the library", err, "")
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tchecks\tlive\ttitle")
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", s.Name, len(s.Checks), map[bool]string{true: "yes", false: "no"}[live.PlanFor(s).Only == ""], s.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	tellSimulated(c.App.Writer, all)
	return nil
}

func takes(c *cli.Context, n int) error {
	if c.NArg() == n {
		return nil
	}
	count := "no arguments"
	if n > 0 {
		count = fmt.Sprintf("%s, not %d", number(n, "argument"), c.NArg())
	}
	return cliutil.Usage("scenario "+c.Command.Name+" takes "+count, "read: "+strings.Join(c.Args().Slice(), " "), "scenario "+c.Command.Name+" --help")
}

func positive(c *cli.Context, flag string) error {
	if n := c.Int(flag); n < 1 {
		return cliutil.Usage(fmt.Sprintf("--%s cannot be %d", flag, n), "there must be at least one", "leave it out")
	}
	return nil
}

func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		noun = stem + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func show(c *cli.Context) error {
	if err := takes(c, 1); err != nil {
		return err
	}
	text, _, err := source(c, c.Args().First())
	if err == nil {
		_, err = c.App.Writer.Write(text)
	}
	return err
}

func check(c *cli.Context) error {
	if c.NArg() == 0 {
		return cliutil.Usage("scenario check needs a file", "there is nothing to check", "scenario check mine.txtar")
	}
	bad := 0
	for _, arg := range c.Args().Slice() {
		s, err := read(c, arg)
		if err == nil {
			err = describe(c, arg, s.Scenario)
		}
		if err == nil {
			if e, ok := course.Find(s.Name); ok {
				err = correct(c, arg, e, s.Scenario)
			}
		}
		if err == nil {
			continue
		}
		bad++
		if c.NArg() == 1 {
			return err
		}
		fmt.Fprintf(c.App.ErrWriter, "scenario: %v\n", err)
	}
	if bad > 0 {
		return &cliutil.Problem{What: fmt.Sprintf("%d of %d cannot be played", bad, c.NArg()), Why: "told above, file by file", Next: "scenario verbs prints the language"}
	}
	return nil
}

func describe(c *cli.Context, arg string, s *script.Scenario) error {
	happenings := 0
	for _, e := range s.Events {
		happenings += e.Times()
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, "%s: ok\n", arg)
	fmt.Fprintf(w, "  %s: %s\n", s.Name, s.Title)
	fmt.Fprintf(w, "  model     %s\n", s.Model)
	fmt.Fprintf(w, "  cluster   leaders %s; clients %s\n", strings.Join(s.Leaders, " "), clients(s))
	fmt.Fprintf(w, "  plays     %s in %s, then settles for %s\n", number(happenings, "event"), number(len(s.Events), "line"), s.Settle)
	for _, k := range s.Checks {
		fmt.Fprintf(w, "  promises  %s (%s)\n", k, k.Kind())
	}
	if n := len(s.Expect.Rows); n > 0 {
		fmt.Fprintf(w, "  expects   %s\n", number(n, "row"))
	} else {
		fmt.Fprintf(w, "  expects   nothing yet; scenario compare %s --update writes it\n", arg)
	}
	_, err := io.WriteString(c.App.Writer, w.String())
	return err
}

func clients(s *script.Scenario) string {
	var names []string
	for _, c := range s.Clients {
		names = append(names, c.Name+"@"+c.At)
	}
	return strings.Join(names, " ")
}

func verbs(c *cli.Context) error {
	if err := takes(c, 0); err != nil {
		return err
	}
	var b strings.Builder
	position := script.Position("")
	for _, v := range script.Verbs() {
		if v.Position != position {
			position = v.Position
			fmt.Fprintf(&b, "%s%s\n", map[bool]string{true: "\n"}[b.Len() > 0], cmp.Or(headings[position], "The end of a script:"))
		}
		fmt.Fprintf(&b, "  %s\n      %s (%s)\n", v.Usage, v.Meaning, runsIn(v.Where))
	}
	b.WriteString("\nPromises of the verb check; safety is judged on every prefix, liveness after settling:\n")
	for _, f := range script.Checks() {
		fmt.Fprintf(&b, "  %s\n      %s (%s)\n", f.Usage, f.Meaning, f.Kind)
	}
	_, err := c.App.Writer.Write([]byte(b.String()))
	return err
}

var headings = map[script.Position]string{
	script.Declaration:  "Lines that say who is there:",
	script.SetUpOrTimed: "Actions before the first event, or behind a trigger:",
	script.Triggering:   "Triggers, before an action:",
	script.Timed:        "Actions behind a trigger:",
	script.Operation:    "What a client does, behind a trigger; A is the client:",
}

func runsIn(w script.Where) string {
	switch w {
	case script.InBoth:
		return "simulation and live"
	case script.InLive:
		return "live only"
	}
	return "simulation only"
}
