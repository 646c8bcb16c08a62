package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
	"kvd/scenarios/playground"
	"kvd/scenarios/script"
)

const aboutPlayground = `A page with the scenario's script to edit, sliders for clocks and links, and the diagram of
"scenario run --html". It plays in the browser, as WebAssembly, what scenario compare plays.

The simulation is compiled for the browser when the command is called, so it needs Go and a
checkout of the project. The first time takes a minute or two. A file made by --html needs
neither, nor any network: it may be taken anywhere.

Examples:
   scenario playground                            serve it to a browser on this machine
   scenario playground hot-set --http 127.0.0.1:8080
   scenario playground --html playground.html     one file of about 10 MB`

func playgroundCommand() *cli.Command {
	return &cli.Command{
		Name: "playground", Usage: "a page in which a scenario can be changed and played", ArgsUsage: "[NAME|FILE]   (default: ddia-8-3)", Description: aboutPlayground,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "http", Value: "127.0.0.1:0", Usage: "serve the page at `ADDR` until interrupted; port 0: any that is free"},
			&cli.StringFlag{Name: "html", Usage: "write the page to `FILE` instead; one file, which needs no network"},
			seedFlag(),
		},
		Action: runPlayground,
	}
}

func runPlayground(c *cli.Context) error {
	if c.IsSet("http") && c.IsSet("html") {
		return cliutil.Usage("--http and --html exclude each other", "the page is served or written", "leave one out")
	}
	if c.NArg() > 1 {
		return cliutil.Usage(fmt.Sprintf("scenario playground takes one scenario, not %d", c.NArg()), "the others can be chosen in the page", "scenario playground "+c.Args().First())
	}
	all, err := choose(c, figure)
	if err == nil {
		err = pageable(c, all)
	}
	if err != nil {
		return err
	}
	if c.IsSet("html") {
		p, err := preparePlayground(c, all[0])
		if err != nil {
			return err
		}
		return writeFile(c, p.Write)
	}
	l, err := net.Listen("tcp", c.String("http"))
	if err != nil {
		return cliutil.Fail("cannot serve the page at "+c.String("http"), err, "--http ADDR names another address; --html FILE writes the page to a file")
	}
	defer l.Close()
	p, err := preparePlayground(c, all[0])
	if err != nil {
		return err
	}
	return servePage(c, l, p)
}

// preparePlayground plays the scenario that the page begins with, and compiles the engine.
func preparePlayground(c *cli.Context, s chosen) (*playground.Page, error) {
	first := s.Clone()
	first.Expect = script.Table{} // of the script as it ships, and the page changes it
	progress := cliutil.NewProgress(c.App.ErrWriter)
	progress.Say("compiling the simulation for a browser; the first time takes a minute or two")
	engine, err := playground.Compile(c.Context, ".")
	progress.Clear()
	if err != nil {
		return nil, uncompiled(c.Context, err)
	}
	results, err := scenarios.Compare(c.Context, []*script.Scenario{first}, scenarios.Resolvers(), c.Uint64("seed"), 1, nil)
	if err != nil {
		return nil, cliutil.Fail("the scenario could not be played to its end", err, "scenario check FILE says what a script would play")
	}
	return &playground.Page{Script: first, Text: string(first.Print()), Results: results, Engine: engine}, nil
}

func uncompiled(ctx context.Context, err error) error {
	const what = "cannot compile the simulation for a browser"
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, playground.ErrNoCheckout):
		return cliutil.Fail(what, err, "call it inside a checkout; scenario playground --html FILE makes a page there that needs none")
	case errors.Is(err, exec.ErrNotFound):
		return cliutil.Fail(what, err, "install Go, of the version that go.mod names; or make the page where it is, with --html FILE")
	}
	return cliutil.Fail(what, err, "go build ./... in the checkout says whether its sources compile")
}

// servePage serves the playground until the command is interrupted.
func servePage(c *cli.Context, l net.Listener, p *playground.Page) error {
	handler, err := p.Handler()
	if err != nil {
		return err
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(c.Context, func() { _ = s.Close() })
	defer stop()
	say(c.App.ErrWriter, fmt.Sprintf("open http://%s in a browser; Ctrl-C ends it", l.Addr()))
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return cliutil.Fail("the page is served no more", err, "scenario playground --html FILE writes it to a file")
	}
	return c.Context.Err()
}
