package cliutil

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Main runs the program and returns its exit code. Failures are told on
// app.ErrWriter. The caller exits.
func Main(app *cli.App, args []string) int {
	return Tell(app.ErrWriter, app.Name, Run(app, args))
}

// Run runs the program. args begin with the program's name. The first interrupt
// cancels the context that actions are given, so that they can end in order; the
// second one ends the process at once. The error is a *Problem, or is to be told
// as it is; whatever an interrupted action fails with, except at stopping, it is interrupted. A panic of the action is a Problem with code Bug, told with its stack.
func Run(app *cli.App, args []string) (err error) {
	prepare(app)
	arranged, err := Arrange(app, args)
	if err != nil {
		return err
	}
	ctx, stop := untilTold()
	defer stop()
	defer func() {
		if fault := recover(); fault != nil {
			err = &Problem{What: "a bug in " + app.Name, Why: fmt.Sprintf("%v\n%s", fault, debug.Stack()), Next: "please report it with the command line", Code: Bug}
		}
	}()
	err = app.RunContext(ctx, arranged)
	if p := new(Problem); err != nil && ctx.Err() != nil && !(errors.As(err, &p) && (p.Stopping || p.Code == Interrupted)) {
		err = &Problem{What: "interrupted", Why: "a signal asked for it", Next: "run it again; nothing was left half written", Code: Interrupted}
	}
	return err
}

// untilTold is a context that the first interrupt cancels. Our handler is gone before
// the context ends: whoever sees that the program is ending may be sure that the next
// signal does what signals do. The caller calls stop.
func untilTold() (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = context.WithCancel(context.Background())
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-heard:
		case <-ctx.Done():
		}
		signal.Stop(heard)
		stop()
	}()
	return ctx, stop
}

// prepare takes from urfave/cli what it decides by itself: exiting, splitting
// values at commas, and help as the first positional of every command. Every
// program says which it is.
func prepare(app *cli.App) {
	withVersion(app)
	app.ExitErrHandler = func(*cli.Context, error) {}
	app.DisableSliceFlagSeparator = true
	app.HideVersion = true
	app.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return misused(app.Name, app.Flags, err) }
	leaves(app.Commands, func(c *cli.Command) {
		c.HideHelpCommand = true
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return misused(app.Name+" "+c.Name, c.Flags, err) }
	})
}

// invalid is how package flag words a value that it cannot read.
var invalid = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-?(.+): `)

// misused is a command line that cannot be read, in words of people where the
// reason is known.
func misused(path string, flags []cli.Flag, err error) error {
	next := path + " --help says what it takes"
	m := invalid.FindStringSubmatch(err.Error())
	if m == nil {
		return Usage("the command line of "+path+" cannot be read", err.Error(), next)
	}
	return Usage(fmt.Sprintf("%s cannot be %q", dashed(m[2]), m[1]), dashed(m[2])+" takes "+taken(flags, m[2]), next)
}

// taken is what a flag's value looks like.
func taken(flags []cli.Flag, name string) string {
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.DurationFlag:
			return "a duration such as 200ms, 30s or 5m"
		case *cli.Uint64Flag, *cli.UintFlag:
			return "a whole number that is not negative"
		case *cli.IntFlag, *cli.Int64Flag:
			return "a whole number"
		case *cli.BoolFlag:
			return "no value, or true or false"
		case *cli.Float64Flag:
			return "a number"
		}
	}
	return "another value"
}

// leaves calls do for every command without commands of its own.
func leaves(commands []*cli.Command, do func(*cli.Command)) {
	for _, c := range commands {
		leaves(c.Subcommands, do)
		if len(c.Subcommands) == 0 {
			do(c)
		}
	}
}

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
