package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios/detection"
)

func detectCommand() *cli.Command {
	return &cli.Command{
		Name: "detect", Usage: "compare ways to tell that another leader is gone", ArgsUsage: "[FILE...]", Action: detectGone,
		Description: `On traces of when the heartbeats of a leader came: how often it is taken for gone though it
is alive, and how long one that is gone is not noticed. Without files the traces are generated.
A file has the moment of one arrival a line, in seconds; - is standard input. The tables
and the curve are Markdown: scenario detect > detection.md`,
		Flags: []cli.Flag{&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "generated traces follow from `N`"}},
	}
}

func detectGone(c *cli.Context) error {
	traces := detection.Generate(c.Uint64("seed"))
	if c.NArg() > 0 {
		traces = nil
	}
	for _, path := range c.Args().Slice() {
		t, err := readTrace(c.App.Reader, path)
		if err != nil {
			return cliutil.Fail("cannot read the trace "+path, err, "scenario detect --help says what a trace is")
		}
		traces = append(traces, t)
	}
	return detection.Write(c.App.Writer, traces)
}

func readTrace(stdin io.Reader, path string) (detection.Trace, error) {
	if path == cliutil.Standard {
		return detection.Read("standard input", stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return detection.Trace{}, err
	}
	defer f.Close()
	return detection.Read(filepath.Base(path), f)
}
