package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios/explore"
	"kvd/scenarios/explore/picture"
	"kvd/scenarios/world"
)

func exploreCommand() *cli.Command {
	return &cli.Command{
		Name: "explore", Usage: "play random histories until a promise breaks",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "seeds", Value: 100, Usage: "`N` histories"},
			&cli.Uint64Flag{Name: "seed", Value: defaultSeed, Usage: "the first seed is `N`"},
			&cli.StringFlag{Name: "resolvers", Aliases: []string{"resolver", "r"}, Value: "all", Usage: "`NAMES` separated by commas, or all"},
			&cli.IntFlag{Name: "failures", Value: 10, Usage: "begin no history after `N` broke a promise; 0: play all"},
			&cli.DurationFlag{Name: "time", Usage: "begin no history after `DURATION`; 0: no limit"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list how often each fault fired and what it led to"},
			&cli.StringFlag{Name: "html", Usage: "write a page to `FILE`: seeds by resolvers, what happened and what never did, and the first shrunk history that broke a promise"},
			workersFlag(),
		},
		Action: exploreSeeds,
	}
}

// exploreSeeds plays random histories and prints those that broke a promise as
// scenarios that can be run.
func exploreSeeds(c *cli.Context) error {
	if err := takes(c, 0); err != nil {
		return err
	}
	ids, err := resolvers(c.String("resolvers"))
	if err != nil {
		return err
	}
	if c.Duration("time") < 0 {
		return cliutil.Usage("--time cannot be negative", "it is how long to begin histories", "leave it out to play all seeds")
	}
	if err := positive(c, "workers"); err != nil {
		return err
	}
	if err := cliutil.CheckFile(c, "html", "explored.html"); err != nil {
		return err
	}
	progress := cliutil.NewProgress(c.App.ErrWriter)
	cfg := explore.Config{
		Seeds: c.Int("seeds"), First: c.Uint64("seed"), Resolvers: ids, Budget: c.Duration("time"), Workers: c.Int("workers"),
		MaxFailures: c.Int("failures"), Keep: c.IsSet("html"),
		Progress: func(done, total, failures int) {
			progress.Say(fmt.Sprintf("%d of %d seeds, %d broke a promise", done, total, failures))
		},
		Found: func(f *explore.Failure) {
			progress.Clear()
			fmt.Fprint(c.App.Writer, failure(f))
		},
	}
	if err := cfg.Validate(); err != nil {
		return cliutil.Usage("nothing to explore", err.Error(), "scenario explore --help")
	}
	began := time.Now()
	found, err := explore.Run(c.Context, cfg)
	progress.Clear()
	if err != nil {
		return cliutil.Fail("exploring stopped", err, "")
	}
	if err := explored(c, found, time.Since(began)); err != nil {
		return err
	}
	if c.IsSet("html") {
		if err := writeFile(c, func(w io.Writer) error { return picture.Write(w, &cfg, &found, outcome(found), again(c)) }); err != nil {
			return err
		}
	}
	return judged(c, found)
}

// again is the command that explores the same.
func again(c *cli.Context) string {
	return fmt.Sprintf("scenario explore --seeds %d --seed %d --resolvers %s", c.Int("seeds"), c.Uint64("seed"), c.String("resolvers"))
}

// failure is what is printed of a history as soon as it broke a promise.
func failure(f *explore.Failure) string {
	return fmt.Sprintf("seed %d under %s broke: %s\nreplay: %s\nshrunk to %d lines, which %s plays:\n\n%s\n", f.Seed, f.Resolver,
		strings.Join(f.Broken, "; "), f.Replay(), f.Lines, f.Again(), f.Scenario.Print())
}

// explored prints what was played; failures were printed as they were found.
func explored(c *cli.Context, found explore.Report, took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s, %s of virtual time in %s: %s\n", number(found.Seeds, "seed"), number(found.Runs, "run"),
		number(found.Ops, "request"), found.Virtual.Round(time.Second), took.Round(time.Millisecond), outcome(found))
	if c.Bool("verbose") {
		coverage(&b, found.Fired)
	}
	_, err := io.WriteString(c.App.Writer, b.String())
	return err
}

func outcome(found explore.Report) string {
	text := "no promise broke"
	if n := len(found.Failures); n > 0 {
		text = number(n, "history") + " broke a promise"
	}
	if found.Stopped {
		text += ", and no more were begun; --failures 0 plays all"
	}
	return text
}

// coverage lists what the histories came upon: a promise that held says nothing
// about a fault that never fired.
func coverage(b *strings.Builder, fired world.Fired) {
	fmt.Fprintln(b)
	for _, what := range world.Happenings() {
		fmt.Fprintf(b, "%-34s%10d\n", what, fired[what])
	}
}

// judged is how exploring ended.
func judged(c *cli.Context, found explore.Report) error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	if len(found.Failures) == 0 {
		return nil
	}
	return &cliutil.Problem{
		What: outcome(found),
		Why:  strings.Join(found.Failures[0].Broken, "; "),
		Next: found.Failures[0].Replay(),
		Code: cliutil.Broken,
	}
}
