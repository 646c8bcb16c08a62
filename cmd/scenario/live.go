package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/live"
	"kvd/scenarios/script"
)

func liveFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "live", Usage: "play against real kvd processes on this machine, in real time, one run at a time"},
		&cli.StringFlag{Name: "binary", Usage: "with --live: the kvd program at `PATH` (default: built from the source tree)"},
	}
}

// playable checks the flags and leaves out, of the whole library, what only the
// simulation can play. Of scenarios that were named it refuses that.
func playable(c *cli.Context, all []chosen) ([]chosen, error) {
	if dir := c.String("out"); dir == "" || dir == stdin {
		return nil, cliutil.Usage(fmt.Sprintf("--out %q is no folder", dir), "a run is several files", "--out DIR names a folder, --out none keeps nothing")
	}
	if !c.Bool("live") {
		if c.IsSet("binary") {
			return nil, cliutil.Usage("--binary without --live", "the simulation needs no program", "add --live, or leave --binary out")
		}
		return all, nil
	}
	if c.Bool("update") {
		return nil, cliutil.Usage("--update with --live", "scripts expect what the simulation gives", "leave out --live")
	}
	var can []chosen
	for _, s := range all {
		p := live.PlanFor(s.Scenario)
		switch {
		case p.Only == "":
			can = append(can, s)
		case c.NArg() > 0:
			return nil, cliutil.Usage(s.Name+" cannot be played live", p.Only, "leave out --live; scenario list says which can be")
		}
	}
	return can, nil
}

// playLive runs everything against processes and shows how far it has come.
func playLive(c *cli.Context, all []chosen, ids []scenarios.Resolver) ([]*scenarios.Result, error) {
	dir, err := os.MkdirTemp("", "scenario-live-")
	if err != nil {
		return nil, cliutil.Fail("cannot play live", err, "TMPDIR names another place for temporary files")
	}
	defer os.RemoveAll(dir)
	progress := cliutil.NewProgress(c.App.ErrWriter)
	defer progress.Clear()
	binary, err := kvdProgram(c, dir, func() { progress.Say("builds kvd") })
	if err != nil {
		return nil, err
	}
	total := len(all) * len(ids)
	before := func(finished int, s *script.Scenario, id scenarios.Resolver) {
		takes := live.PlanFor(s).Story.Round(100 * time.Millisecond)
		progress.Say(fmt.Sprintf("%d of %d runs; now %s under %s, about %s", finished, total, s.Name, id, takes))
	}
	results, err := live.Compare(c.Context, scripts(all), ids, live.Options{Seed: c.Uint64("seed"), Binary: binary, Dir: dir}, before)
	progress.Clear()
	tellAttempts(c, results)
	if err != nil {
		return results, liveFailure(err, total)
	}
	return results, nil
}

// liveFailure says what to do about runs that could not be played.
func liveFailure(err error, total int) error {
	var untold *live.UntoldError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &untold):
		return untoldFailure(untold, total)
	}
	return cliutil.Fail("a scenario could not be played to its end", err, "scenario list says which can be played live")
}

// untoldFailure is about runs that are missing from the results.
func untoldFailure(e *live.UntoldError, total int) error {
	next := "leave out --live for these"
	if slices.ContainsFunc(e.Runs, func(u live.Untold) bool { return !errors.Is(u.Err, live.ErrOnly) }) {
		next = "the machine was too busy: try again when it is idle, or without --live"
	}
	names := e.Names()
	what := "could not be played: " + strings.Join(names[:min(4, len(names))], ", ")
	if more := len(names) - 4; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	if total > 1 {
		what = fmt.Sprintf("%d of %s %s", len(names), number(total, "run"), what)
	} else {
		what = "the scenario " + what
	}
	return cliutil.Fail(what, e, next)
}

// tellAttempts names the runs that were played more than once.
func tellAttempts(c *cli.Context, results []*scenarios.Result) {
	for _, r := range results {
		if r.Attempts > 1 {
			say(c.App.ErrWriter, fmt.Sprintf("%s under %s was played %d times before its schedule held", r.Scenario, r.Resolver, r.Attempts))
		}
	}
}

// kvdProgram is the kvd program to play against.
func kvdProgram(c *cli.Context, dir string, building func()) (string, error) {
	if given := c.String("binary"); given != "" {
		path, err := filepath.Abs(given)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return "", cliutil.Fail("cannot use "+given, err, "--binary names a kvd program; go build ./cmd/kvd makes one")
		}
		return path, nil
	}
	building()
	path, err := live.Build(c.Context, dir)
	if err != nil {
		return "", cliutil.Fail("cannot build kvd", err, "run it inside the source tree, or name a program with --binary")
	}
	return path, nil
}

// tellSimulated says why scenarios cannot be played live.
func tellSimulated(w io.Writer, all []*script.Scenario) {
	for _, s := range all {
		if p := live.PlanFor(s); p.Only != "" {
			fmt.Fprintf(w, "\nsimulation only: %s, because %s", s.Name, p.Only)
		}
	}
	fmt.Fprintln(w)
}
