package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/sweep"
	"kvd/scenarios/sweep/curve"
)

const aboutSweep = `Plays one scenario for each value under each resolver with several seeds, and prints how
many acknowledged updates were lost: the mean of the seeds, the least and the most.

   skew    leaders' clocks are off by up to ± the value, in place of the script's offsets
   delay   every link takes the value one way
   cut     each partition or cut is healed the value after it began
   rate    what the script repeats (every) happens the value times a second

Values are separated by commas; FROM..TO goes up tenfold.

Examples:
   scenario sweep ddia-8-3 --over skew=0,1ms..10s
   scenario sweep three-way-increment --over delay=0,10ms..1s -o csv
   scenario sweep ddia-8-3 --over skew=0,1ms..1s -o html > skew.html`

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name: "sweep", Usage: "draw what each resolver loses while one thing changes", ArgsUsage: "NAME|FILE   (default: ddia-8-3)", Description: aboutSweep,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "over", Value: "skew=0,1ms..10s", Usage: "change `AXIS=VALUES`: " + strings.Join(sweep.Axes(), ", ")},
			&cli.StringFlag{Name: "resolvers", Aliases: []string{"resolver", "r"}, Value: "all", Usage: "`NAMES` separated by commas, or all"},
			&cli.IntFlag{Name: "seeds", Value: 10, Usage: "play each point with `N` seeds"},
			&cli.Uint64Flag{Name: "seed", Value: defaultSeed, Usage: "the first of them is `N`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "table, json, csv or html: `FORMAT`"},
			workersFlag(),
		},
		Action: runSweep,
	}
}

// curves is how --output prints a curve.
var curves = map[string]func(*curve.Curve, io.Writer) error{
	"table": (*curve.Curve).Table, "json": (*curve.Curve).JSON, "csv": (*curve.Curve).CSV, "html": (*curve.Curve).Page,
}

func runSweep(c *cli.Context) error {
	ids, err := resolvers(c.String("resolvers"))
	if err != nil {
		return err
	}
	formats := []string{"table", "json", "csv", "html"}
	if !slices.Contains(formats, c.String("output")) {
		return cliutil.Usage(fmt.Sprintf("unknown output %q", c.String("output")), "curves are printed as table, json, csv or html", cliutil.MeantOr(c.String("output"), formats, "choose one of "+strings.Join(formats, ", ")))
	}
	axis, err := sweep.ParseAxis(c.String("over"))
	if err != nil {
		return cliutil.Usage(fmt.Sprintf("--over cannot be %q", c.String("over")), err.Error(), "scenario sweep NAME --over skew=0,1ms..10s")
	}
	for _, flag := range []string{"seeds", "workers"} {
		if err := positive(c, flag); err != nil {
			return err
		}
	}
	if c.NArg() > 1 {
		return cliutil.Usage(fmt.Sprintf("scenario sweep takes one scenario, not %d", c.NArg()), "read: "+strings.Join(c.Args().Slice(), " "), "scenario sweep NAME --over "+c.String("over"))
	}
	all, err := choose(c, figure)
	if err != nil {
		return err
	}
	if _, err := axis.Apply(all[0].Scenario, axis.Values[0], 1); err != nil {
		return cliutil.Usage("nothing can be swept so", err.Error(), "scenario verbs has what a script may say; --over names another axis")
	}
	found, err := draw(c, all[0], axis, ids)
	if err != nil {
		return cliutil.Fail("the sweep could not be played to its end", err, "scenario check FILE says what a script would play")
	}
	return curves[c.String("output")](found, c.App.Writer)
}

// draw plays everything and shows how far it has come.
func draw(c *cli.Context, s chosen, axis sweep.Axis, ids []scenarios.Resolver) (*curve.Curve, error) {
	economise()
	progress := cliutil.NewProgress(c.App.ErrWriter)
	found, err := sweep.Run(c.Context, sweep.Config{Script: s.Scenario, Axis: axis, Resolvers: ids, Seeds: c.Int("seeds"), Seed: c.Uint64("seed"), Workers: c.Int("workers"),
		Done: func(finished, total int) { progress.Say(fmt.Sprintf("%d of %d runs", finished, total)) }})
	progress.Clear()
	if err != nil {
		return nil, err
	}
	found.Command = fmt.Sprintf("scenario sweep %s --over %s --resolvers %s --seeds %d --seed %d", s.arg, c.String("over"), c.String("resolvers"), c.Int("seeds"), c.Uint64("seed"))
	return found, nil
}
