package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/library"
	"kvd/scenarios/report"
	"kvd/scenarios/script"
)

// Values of --out.
const (
	defaultOut = "runs"
	noOut      = "none"
)

// figure is the scenario that is played when none is named, under this resolver, and
// drawn after a comparison.
const (
	figure         = "ddia-8-3"
	figureResolver = "lww"
)

func explain(c *cli.Context) error {
	id, err := resolver(c.String("resolver"))
	if err != nil {
		return err
	}
	all, err := choose(c, figure)
	if err == nil {
		all, err = playable(c, all)
	}
	if err == nil {
		err = pageable(c, all)
	}
	if err == nil {
		_, err = branches(c)
	}
	if err != nil {
		return err
	}
	results, missing := play(c, all, []scenarios.Resolver{id}, 1)
	if len(results) == 0 && missing != nil {
		return missing
	}
	if err := avoidable(c, all, results); err != nil {
		return err
	}
	st := style(c)
	for _, r := range results {
		s := scriptOf(all, r.Scenario)
		if err := report.Explanation(c.App.Writer, s, r, c.Bool("verbose"), st); err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer)
		if err := report.Picture(c.App.Writer, s, r, st); err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer)
	}
	return worse(missing, conclude(c, all, results))
}

// scriptOf is the script of a name.
func scriptOf(all []chosen, name string) *script.Scenario {
	return all[slices.IndexFunc(all, func(s chosen) bool { return s.Name == name })].Scenario
}

// worse is the failure to end with, where runs are missing and those that were played
// may not be as they should: both are said.
func worse(missing, verdict error) error {
	var m, v *cliutil.Problem
	switch {
	case missing == nil:
		return verdict
	case errors.As(missing, &m) && errors.As(verdict, &v):
		both := *m
		both.Why += "; besides, " + v.What + ": " + v.Why
		return &both
	}
	return missing
}

func style(c *cli.Context) report.Style {
	return report.Style{Colour: cliutil.Colour(c.App.Writer), Width: cliutil.Width(c.App.Writer)}
}

func compare(c *cli.Context) error {
	ids, err := resolvers(c.String("resolvers"))
	if err != nil {
		return err
	}
	format, err := matrix(c.String("output"))
	if err != nil {
		return err
	}
	if err := positive(c, "workers"); err != nil {
		return err
	}
	all, err := choose(c, library.Names()...)
	if err == nil {
		all, err = playable(c, all)
	}
	if err == nil {
		err = pageable(c, all)
	}
	if err == nil {
		_, err = branches(c)
	}
	if err != nil {
		return err
	}
	if c.Bool("update") {
		if err := updatable(c, all); err != nil {
			return err
		}
	}
	results, missing := play(c, all, ids, c.Int("workers"))
	if len(results) == 0 && missing != nil {
		return missing
	}
	if err := avoidable(c, all, results); err != nil {
		return err
	}
	if err := format(c, all, results); err != nil {
		return err
	}
	if c.Bool("update") {
		return errors.Join(updateAll(c, all, results), judge(c, all, accepted(results)))
	}
	return worse(missing, conclude(c, all, results))
}

// play runs everything and shows how far it has come. Of a live comparison that fails
// it returns the results that there are.
func play(c *cli.Context, all []chosen, ids []scenarios.Resolver, workers int) ([]*scenarios.Result, error) {
	if c.Bool("live") {
		return playLive(c, all, ids)
	}
	economise()
	progress := cliutil.NewProgress(c.App.ErrWriter)
	results, err := watch(progress).Compare(c.Context, scripts(all), ids, c.Uint64("seed"), workers)
	progress.Clear()
	runtime.GC() // the clusters are gone: a report of a long history needs the memory
	if err != nil {
		return nil, cliutil.Fail("a scenario could not be played to its end", err, "scenario check FILE says what a script would play")
	}
	return results, nil
}

// watch tells how far playing is: how many runs have ended, and of a long run where it is.
func watch(progress cliutil.Progress) scenarios.Watch {
	var mu sync.Mutex
	var ended string
	var said time.Time
	return scenarios.Watch{
		Done: func(finished, total int) {
			mu.Lock()
			defer mu.Unlock()
			ended = fmt.Sprintf("%d of %d runs", finished, total)
			progress.Say(ended)
		},
		Along: func(scenario string, under scenarios.Resolver, at, end time.Duration, events int) {
			mu.Lock()
			defer mu.Unlock()
			if time.Since(said) < time.Second/4 {
				return
			}
			said = time.Now()
			line := fmt.Sprintf("%s under %s: %s of %s played, %d events", scenario, under, at.Round(time.Millisecond), end.Round(time.Millisecond), events)
			if ended != "" {
				line = ended + "; " + line
			}
			progress.Say(line)
		},
	}
}

// economise lets a long history take little more memory than it needs: what a run
// remembers grows with it and is not garbage, and collecting more often costs a long
// run about a tenth of its time. GOGC in the environment decides otherwise.
func economise() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(40)
	}
}

// matrix is how --output prints results.
func matrix(format string) (func(*cli.Context, []chosen, []*scenarios.Result) error, error) {
	switch format {
	case "table":
		return table, nil
	case "json":
		return func(c *cli.Context, _ []chosen, rs []*scenarios.Result) error { return report.JSON(c.App.Writer, rs) }, nil
	case "markdown":
		return func(c *cli.Context, all []chosen, rs []*scenarios.Result) error {
			return report.Markdown(c.App.Writer, report.Blocks(scripts(all), rs))
		}, nil
	}
	formats := []string{"table", "json", "markdown"}
	return nil, cliutil.Usage(fmt.Sprintf("unknown output %q", format), "results are printed as table, json or markdown", cliutil.MeantOr(format, formats, "choose one of "+strings.Join(formats, ", ")))
}

func table(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	st := style(c)
	if err := report.Table(c.App.Writer, report.Blocks(scripts(all), results), st); err != nil {
		return err
	}
	for _, r := range results {
		if r.Scenario != figure || r.Resolver != figureResolver {
			continue
		}
		i := slices.IndexFunc(all, func(s chosen) bool { return s.Name == figure })
		fmt.Fprintln(c.App.Writer)
		return report.Picture(c.App.Writer, all[i].Scenario, r, st)
	}
	return nil
}

// conclude keeps the run and turns its outcome into an exit code.
func conclude(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	if err := writePage(c, all, results); err != nil {
		return err
	}
	if err := keep(c, all, results); err != nil {
		return err
	}
	return judge(c, all, results)
}

// accepted is the results as what scripts expect from now on. Promises that
// broke stay broken.
func accepted(results []*scenarios.Result) []*scenarios.Result {
	out := make([]*scenarios.Result, len(results))
	for i, r := range results {
		held := *r
		held.Expectation = scenarios.Held
		out[i] = &held
	}
	return out
}

func judge(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	switch report.Judge(results) {
	case report.Broke:
		return verdict(c, all, results, report.Broke, "did not go as expected or promised", cliutil.Broken)
	case report.Unconverged:
		return verdict(c, all, results, report.Unconverged, "ended with leaders that still differ", cliutil.Unconverged)
	}
	return nil
}

func verdict(c *cli.Context, all []chosen, results []*scenarios.Result, o report.Outcome, what string, code int) error {
	var bad []*scenarios.Result
	var names []string
	for _, r := range results {
		if report.Judge([]*scenarios.Result{r}) == o {
			bad = append(bad, r)
			names = append(names, r.Scenario+" under "+r.Resolver)
		}
	}
	if len(names) > 4 {
		names = append(names[:4], fmt.Sprintf("and %d more", len(names)-4))
	}
	return &cliutil.Problem{
		What: fmt.Sprintf("%d of %s %s", len(bad), number(len(results), "run"), what),
		Why:  strings.Join(names, ", "),
		Next: next(c, all, bad[0], o),
		Code: code,
	}
}

func next(c *cli.Context, all []chosen, r *scenarios.Result, o report.Outcome) string {
	arg := argument(all, r.Scenario)
	command := fmt.Sprintf("scenario run %s --resolver %s --seed %d", arg, r.Resolver, r.Seed)
	if r.Live {
		command += " --live"
	}
	switch {
	case c.Command.Name != "run":
		return command + " explains it"
	case o == report.Unconverged:
		return "what is cut must be healed before settle, and the settling time be long enough"
	case r.Expectation == scenarios.Broken && arg != stdin && !r.Live:
		return "if it is right as it is, scenario compare " + arg + " --update expects it from now on"
	case !c.Bool("verbose"):
		return command + " -v shows each request and each message"
	}
	return "the lines that begin with ✗ say what broke"
}

func argument(all []chosen, name string) string {
	for _, s := range all {
		if s.Name == name {
			return s.arg
		}
	}
	return name
}

// keep writes the run's files. A default place that cannot be written to is no
// reason to fail.
func keep(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	dir := c.String("out")
	if dir == noOut {
		return nil
	}
	name := "library"
	if len(all) == 1 {
		name = all[0].Name
	}
	page := keptPage(c, all, results)
	kept, err := report.Keep(dir, name, time.Now(), report.Blocks(scripts(all), results), page)
	switch {
	case err == nil:
		say(c.App.ErrWriter, "kept in "+kept.Folder+leftOut(kept.LeftOut))
		for name := range page {
			say(c.App.ErrWriter, "open "+filepath.Join(kept.Folder, name)+" in a browser")
		}
	case c.IsSet("out"):
		return cliutil.Fail("cannot keep the run", err, "--out DIR names another place, --out none keeps nothing")
	default:
		say(c.App.ErrWriter, "not kept: "+err.Error())
	}
	return nil
}

// leftOut says what keep left out.
func leftOut(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", but for %d long traces; scenario run NAME -r RESOLVER keeps one of any length", n)
}

func say(w io.Writer, text string) { fmt.Fprintf(w, "scenario: %s\n", text) }
