package main

import (
	"cmp"
	"fmt"
	"math"
	"sync"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/branch"
)

func branchesFlag() cli.Flag {
	return &cli.IntFlag{Name: "branches", DefaultText: "64, fewer of long runs", Usage: "play the run at most `N` times again, to find until when losses could have been avoided; 12 at least; 0: not at all"}
}

// branches is how much is played again.
func branches(c *cli.Context) (branch.Limits, error) {
	limits := branch.Default
	if n := c.Int("branches"); c.IsSet("branches") {
		if n != 0 && n < branch.Least {
			return limits, cliutil.Usage(fmt.Sprintf("--branches %d", n), fmt.Sprintf("one loss takes up to %d runs that are played again", branch.Least), fmt.Sprintf("leave it out, or name 0 or a number from %d on", branch.Least))
		}
		limits = branch.Limits{Branches: n, Events: math.MaxInt}
	}
	return limits, nil
}

// avoidable finds until when the losses of the results could have been avoided: of one
// scenario, since a page shows one, and a comparison of many is a table of counts.
func avoidable(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	limits, err := branches(c)
	if err != nil || len(all) != 1 && c.Command.Name == "compare" || c.Bool("live") || c.Bool("update") {
		return err
	}
	progress := cliutil.NewProgress(c.App.ErrWriter)
	defer progress.Clear()
	var mu sync.Mutex
	scenarios.InParallel(max(1, c.Int("workers")), len(results), func() bool { return c.Context.Err() != nil }, func(i int) {
		progress.Say("until when could losses have been avoided: " + results[i].Scenario + " under " + results[i].Resolver)
		found := branch.Look(c.Context, scriptOf(all, results[i].Scenario), results[i], limits)
		mu.Lock()
		defer mu.Unlock()
		err = cmp.Or(err, found)
	})
	if err = cmp.Or(c.Context.Err(), err); err != nil {
		return cliutil.Fail("a run could not be played again", err, "--branches 0 plays none again")
	}
	return nil
}
