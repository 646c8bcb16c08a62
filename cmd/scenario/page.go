package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/page/played"
)

func pageFlag() cli.Flag {
	return &cli.StringFlag{Name: "html", Usage: "write a page that shows the scenario in space and time to `FILE`; one file, which needs no network"}
}

// pageable refuses, before anything is played, a page that could not be written.
func pageable(c *cli.Context, all []chosen) error {
	if path := c.String("html"); path != "" && len(all) != 1 {
		return cliutil.Usage(fmt.Sprintf("--html with %s", number(len(all), "scenario")), "a page shows one scenario", "name one: scenario "+c.Command.Name+" ddia-8-3 --html "+path)
	}
	return cliutil.CheckFile(c, "html", "report.html")
}

// writePage writes the page that --html asks for, if it does.
func writePage(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	if c.String("html") == "" {
		return nil
	}
	return writeFile(c, func(w io.Writer) error { return played.Write(w, all[0].Scenario, results) })
}

// writeFile writes the page that --html asks for.
func writeFile(c *cli.Context, write func(io.Writer) error) error {
	if err := cliutil.WriteFile(c, "html", "the page", write); err != nil {
		return err
	}
	say(c.App.ErrWriter, "open "+c.String("html")+" in a browser")
	return nil
}

// maxKeptPage bounds the events that the page kept of a run shows: a browser takes a
// second or two for as many. --html writes a page of any length.
const maxKeptPage = 200_000

// keptPage is the page that is kept beside the traces of a scenario: none of many
// scenarios, none of one too long, none where --html has written it.
func keptPage(c *cli.Context, all []chosen, results []*scenarios.Result) map[string]func(io.Writer) error {
	events := 0
	for _, r := range results {
		if r.Trace != nil {
			events += r.Trace.Len()
		}
	}
	if len(all) != 1 || c.String("html") != "" || events == 0 || events > maxKeptPage {
		return nil
	}
	return map[string]func(io.Writer) error{"report.html": func(w io.Writer) error { return played.Write(w, all[0].Scenario, results) }}
}
