package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

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
	path := c.String("html")
	switch {
	case !c.IsSet("html"):
		return nil
	case path == "":
		return cliutil.Usage("--html names no file", "a page is one file", "--html report.html")
	case len(all) != 1:
		return cliutil.Usage(fmt.Sprintf("--html with %s", number(len(all), "scenario")), "a page shows one scenario", "name one: scenario "+c.Command.Name+" ddia-8-3 --html "+path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return cliutil.Usage("--html cannot write to "+path, "it is no regular file", "name a file: --html report.html")
	}
	return nil
}

// writePage writes the page that --html asks for, if it does.
func writePage(c *cli.Context, all []chosen, results []*scenarios.Result) error {
	if c.String("html") == "" {
		return nil
	}
	return writeFile(c, func(w io.Writer) error { return played.Write(w, all[0].Scenario, results) })
}

// writeFile writes what --html asks for. A file that could not be written to its end is
// removed.
func writeFile(c *cli.Context, write func(io.Writer) error) error {
	path := c.String("html")
	f, err := os.Create(path)
	if err != nil {
		return cliutil.Fail("cannot write the page", err, "--html FILE names another place")
	}
	b := bufio.NewWriter(f)
	err = write(b)
	if err == nil {
		err = b.Flush()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return cliutil.Fail("cannot write the page", errors.Join(err, os.Remove(path)), "make room, or name another place with --html FILE")
	}
	say(c.App.ErrWriter, "open "+path+" in a browser")
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
