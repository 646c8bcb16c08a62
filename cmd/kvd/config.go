package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "look at the configuration of serve",
		Subcommands: []*cli.Command{
			{Name: "print", Usage: "print what serve would use with these flags, this environment and this file", Action: printConfig,
				Flags: append(flags(table()), &cli.BoolFlag{Name: "origin", Usage: "and where each value comes from"})},
			{Name: "check", Usage: "say whether a file could be served by; - is standard input", ArgsUsage: "FILE", Action: checkConfig},
		},
	}
}

// gather resolves every setting of the command line.
func gather(c *cli.Context, file string) ([]effective, error) {
	rows := table()
	s := sources{flags: c, lookup: os.LookupEnv}
	if file == "" {
		file = s.find(&rows[0]).values[0]
	}
	if file != "" {
		var err error
		if s.file, err = readFile(c, file, rows); err != nil {
			return nil, err
		}
	}
	for _, text := range misspelt(os.Environ(), rows) {
		fmt.Fprintf(c.App.ErrWriter, "kvd: %s\n", text)
	}
	return s.resolve(rows), nil
}

// configured turns settings into what a leader is told.
func configured(all []effective, log io.Writer) (*serving, error) {
	c := &serving{Config: node.Defaults()}
	c.Version = cliutil.Version()
	for _, e := range all {
		if err := e.apply(c, e.values); err != nil {
			return nil, cliutil.Usage(fmt.Sprintf("%s is refused: %s", e.name, e.text()), err.Error(),
				fmt.Sprintf("it comes from %s; kvd serve --help says what it takes", e.origin))
		}
	}
	if err := c.loadTLS(); err != nil {
		return nil, cliutil.Usage("TLS cannot be set up", err.Error(), "kvd serve --help says what the files hold")
	}
	c.level = &slog.LevelVar{}
	c.level.Set(c.logLevel)
	c.Logger = logger(log, c.level, c.logJSON)
	if err := c.Validate(); err != nil {
		return nil, cliutil.Usage("the configuration is refused", err.Error(), "kvd config print --origin says where each value comes from")
	}
	return c, nil
}

func logger(w io.Writer, level slog.Leveler, json bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// printConfig prints settings as YAML that serve would read again, or with where
// they come from as a table.
func printConfig(c *cli.Context) error {
	all, err := gather(c, "")
	if err != nil {
		return err
	}
	if _, err := configured(all, io.Discard); err != nil {
		return err
	}
	if !c.Bool("origin") {
		return printYAML(c.App.Writer, all)
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.name, e.text(), e.origin)
	}
	return w.Flush()
}

func printYAML(w io.Writer, all []effective) error {
	for _, e := range all {
		var err error
		switch {
		case e.name == "config" || len(e.values) == 0:
		case e.kind == list:
			_, err = fmt.Fprintf(w, "%s:\n", e.name)
			for _, v := range e.values {
				fmt.Fprintf(w, "  - %q\n", v)
			}
		default:
			_, err = fmt.Fprintf(w, "%s: %q\n", e.name, e.values[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkConfig reads a file as serve would.
func checkConfig(c *cli.Context) error {
	if c.NArg() != 1 {
		return cliutil.Usage("kvd config check takes one file", fmt.Sprintf("%d were given", c.NArg()), "kvd config check kvd.yaml")
	}
	all, err := gather(c, c.Args().First())
	if err != nil {
		return err
	}
	if _, err := configured(all, io.Discard); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: ok\n", c.Args().First())
	return err
}
