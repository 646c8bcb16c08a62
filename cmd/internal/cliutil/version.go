package cliutil

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/urfave/cli/v2"
)

// versionFlag is known to every program, beside the command of that name.
const versionFlag = "version"

// Version is the module's, or the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = "dev-" + s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "(devel)" {
		v = ""
	}
	return cmp.Or(v, "dev")
}

// withVersion adds the flag and the command that print which program this is.
func withVersion(app *cli.App) {
	const usage = "print which program this is"
	if slices.ContainsFunc(app.Commands, func(c *cli.Command) bool { return c.Name == versionFlag }) {
		return // the program is run again
	}
	app.Flags = append(app.Flags, &cli.BoolFlag{Name: versionFlag, Usage: usage})
	app.Commands = append(app.Commands, &cli.Command{Name: versionFlag, Usage: usage, Action: printVersion})
	app.Action = func(c *cli.Context) error {
		if c.Bool(versionFlag) {
			return printVersion(c)
		}
		return cli.ShowAppHelp(c)
	}
}

func printVersion(c *cli.Context) error {
	_, err := fmt.Fprintf(c.App.Writer, "%s %s %s %s/%s\n", c.App.Name, Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
