package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/whatif"
	"kvd/replica/client/study"
	"kvd/replica/node"
)

const aboutReplay = `FILE is what kv export wrote; - is standard input. DIR is the data directory of a leader that does not run,
or a copy of one; it stays as it is. Both say who served and who watched; with
--resolver, --policy and --shadow a directory is judged as if the leader had served so.
What is not recorded of the others is worked out.

Examples:
   kvd replay week.history
   kv export - | kvd replay -
   kvd replay week.history --resolvers lww,siblings --prefix cart: --differences 100
   kvd replay /var/lib/kvd -o json`

func replayCommand() *cli.Command {
	return &cli.Command{
		Name: "replay", Usage: "judge a history file, or a stopped leader's data, by every resolver", ArgsUsage: "FILE|DIR",
		Description: aboutReplay, Action: replayed,
		Flags: append(whatif.Flags(),
			&cli.BoolFlag{Name: "partial", Usage: "FILE: judge what can be read of a damaged one"},
			&cli.StringFlag{Name: "resolver", Usage: "DIR: judge as if the leader had served keys by `NAME`", DefaultText: "what the store says"},
			&cli.StringSliceFlag{Name: "policy", Usage: "DIR: and keys that begin with a prefix otherwise: `PREFIX=RESOLVER` (repeatable, or several with commas)"},
			&cli.StringFlag{Name: "shadow", Usage: "DIR: these only watched: all, none or a `LIST`", DefaultText: "none"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "print as `FORMAT`: text or json"},
		),
	}
}

func replayed(c *cli.Context) error {
	if c.NArg() != 1 {
		return cliutil.Usage("kvd replay takes one file or directory", fmt.Sprintf("%d were given", c.NArg()), "kvd replay week.history")
	}
	if err := cliutil.OneOf(c.String("output"), "text", "json"); err != nil {
		return cliutil.Usage("unknown output", err.Error(), "choose text or json")
	}
	if err := cliutil.StepBack(); err != nil {
		fmt.Fprintf(c.App.ErrWriter, "kvd: %v; a leader on this machine may feel it\n", err)
	}
	asked, err := whatif.Asked(c)
	if err != nil {
		return err
	}
	subject, done, err := subjectOf(c, asked.Prefix)
	if err != nil {
		return err
	}
	defer done()
	progress := cliutil.NewProgress(c.App.ErrWriter)
	report, err := asked.Study(c.Context, subject, func(pass, ops int) { progress.Say(fmt.Sprintf("read %d ops, pass %d", ops, pass)) })
	progress.Clear()
	if err != nil {
		return cliutil.Fail("cannot replay "+c.Args().First(), err, "kvd replay --help")
	}
	if err := whatif.Draw(c, whatif.Report{Report: report}); err != nil {
		return err
	}
	if c.String("output") == "text" {
		_, err = fmt.Fprintln(c.App.Writer, whatif.Report{Report: report}.Text())
		return err
	}
	text, err := json.Marshal(whatif.Report{Report: report})
	if err == nil {
		_, err = fmt.Fprintf(c.App.Writer, "%s\n", text)
	}
	return err
}

// subjectOf opens what is to be replayed. Done closes it.
func subjectOf(c *cli.Context, prefix string) (study.Subject, func(), error) {
	path, called := c.Args().First(), c.Args().First()
	var mode fs.FileMode
	if path == cliutil.Standard {
		called, mode = "standard input", fs.ModeIrregular
	} else if info, err := os.Stat(path); err != nil {
		return study.Subject{}, nil, cliutil.Fail("cannot replay "+path, err, "name a file that kv export wrote, or a data directory")
	} else if mode = info.Mode(); mode.IsDir() {
		return subjectOfDir(c, path, prefix)
	}
	for _, name := range policyFlags {
		if c.IsSet(name) {
			return study.Subject{}, nil, cliutil.Usage("--"+name+" is for directories", "a history file says itself who served and watched", "leave it out")
		}
	}
	if mode.IsRegular() {
		return subjectOfFile(c, path, path, prefix)
	}
	copied, remove, err := copyInput(c, path)
	if err != nil {
		return study.Subject{}, nil, cliutil.Fail("cannot replay "+path, err, "it is copied to a file first, in TMPDIR: a history is read more than once")
	}
	s, done, err := subjectOfFile(c, copied, called, prefix)
	if err != nil {
		remove()
		return s, nil, err
	}
	return s, func() { done(); remove() }, nil
}

// subjectOfFile opens a history. Errors call it by its name.
func subjectOfFile(c *cli.Context, path, name, prefix string) (study.Subject, func(), error) {
	s, err := study.OpenFile(path, name, prefix, c.Bool("partial"))
	if damaged, ok := errors.AsType[*study.Damaged](err); ok {
		return s, nil, cliutil.Fail("cannot replay "+c.Args().First(), err, fmt.Sprintf("--partial judges the %d ops that can be read; better is to export it again", damaged.Readable))
	}
	if err != nil {
		return s, nil, cliutil.Fail("cannot replay "+c.Args().First(), err, "name a file that kv export wrote, or a data directory")
	}
	if !s.Reaches(prefix) {
		return s, nil, cliutil.Usage(fmt.Sprintf("the file has no keys that begin with %q", prefix), fmt.Sprintf("it was exported with --prefix %q", s.Prefix), "leave --prefix out")
	}
	return s, func() {}, nil
}

func subjectOfDir(c *cli.Context, path, prefix string) (study.Subject, func(), error) {
	policy, err := servedBy(c)
	if err != nil {
		return study.Subject{}, nil, cliutil.Usage("nobody can have served so", err.Error(), "kvd replay --help")
	}
	s, done, err := study.OpenStopped(path, prefix, policy, told(c))
	next := "name the data directory of a leader that does not run, or a copy of one"
	if _, ok := errors.AsType[*study.UnknownPolicy](err); ok {
		next = "say how it was served: --resolver, --policy, --shadow"
	}
	if err != nil {
		return s, nil, cliutil.Fail("cannot replay "+path, err, next)
	}
	return s, done, nil
}

// policyFlags say how a directory was served.
var policyFlags = []string{"resolver", "policy", "shadow"}

// told reports whether the command line says how the directory was served. Else the
// store says it, unless it is from before it did.
func told(c *cli.Context) bool { return slices.ContainsFunc(policyFlags, c.IsSet) }

// servedBy is the policy as the flags of serve say it.
func servedBy(c *cli.Context) (node.Policy, error) {
	told := &serving{}
	err := errors.Join(
		applyResolver(told, []string{cmp.Or(c.String("resolver"), node.DefaultResolver.String())}),
		applyPolicy(told, c.StringSlice("policy")),
		applyShadow(told, []string{cmp.Or(c.String("shadow"), "none")}))
	return told.Policy, err
}

// copyInput makes a file of what can be read once only: standard input, a pipe.
// Who interrupts does not wait for more of it.
func copyInput(c *cli.Context, path string) (copied string, remove func(), err error) {
	f, err := os.CreateTemp("", "kvd-replay-*")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(f.Name()) } // the system clears its folder as well
	_, err = cliutil.Await(c.Context, func() (int64, error) {
		var n int64
		in, err := openInput(c, path)
		if err == nil {
			n, err = io.Copy(f, in)
			err = errors.Join(err, in.Close())
		}
		return n, errors.Join(err, f.Close())
	})
	if err != nil {
		remove()
		return "", nil, err
	}
	return f.Name(), remove, nil
}

// openInput opens what is to be read. Opening a pipe waits for somebody to write.
func openInput(c *cli.Context, path string) (io.ReadCloser, error) {
	if path == cliutil.Standard {
		return io.NopCloser(c.App.Reader), nil
	}
	return os.Open(path)
}

// readInput is all of it, for what is small.
func readInput(c *cli.Context, path string) ([]byte, error) {
	in, err := openInput(c, path)
	if err != nil {
		return nil, err
	}
	text, err := cliutil.ReadAll(in, maxInput, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is larger than 16 MiB")})
	return text, errors.Join(err, in.Close())
}

const maxInput = 16 << 20
