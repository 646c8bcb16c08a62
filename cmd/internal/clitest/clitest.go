// Package clitest is what tests of our command lines share.
package clitest

import (
	"errors"
	"flag"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/replicatest"
)

// Exits runs a program in a script and holds it to an exit code:
//
//	exits 7 scenario run broken.txtar
func Exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// Parallel lets so many parallel tests run at a time, unless -parallel says otherwise:
// those that wait for processes of their own need no processor meanwhile. It is
// called by TestMain.
func Parallel(n int) {
	if err := flag.Set("test.parallel", strconv.Itoa(n)); err != nil {
		panic(err) // package testing has it
	}
}

// Build puts programs of ours into dir. The go command keeps what it runs, so that the
// tests of all packages link a program once, and runs cp where it would run the program.
func Build(t testing.TB, dir string, packages ...string) {
	t.Helper()
	if err := replicatest.DependsOnSources(); err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if out, err := exec.Command("go", "run", "-exec", "cp", p, filepath.Join(dir, path.Base(p))).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", p, err, out)
		}
	}
}

// Synonyms holds a program's synonyms to its commands: none is a command itself,
// and what is said to be meant is one.
func Synonyms(t *testing.T, app *cli.App, s cliutil.Synonyms) {
	t.Helper()
	for word, means := range s {
		words := strings.Fields(word)
		if len(words) > 0 && !strings.HasPrefix(words[len(words)-1], "-") && depth(app.Commands, words) == len(words) {
			t.Errorf("%q is a command of %s, and no synonym is needed", word, app.Name)
		}
		command, ours := strings.CutPrefix(means, app.Name+" ")
		if ours && depth(app.Commands, strings.Fields(command)) == 0 {
			t.Errorf("%q is said to mean %q, and that is no command", word, means)
		}
	}
}

func depth(commands []*cli.Command, words []string) int {
	if len(words) == 0 {
		return 0
	}
	for _, c := range commands {
		if c.HasName(words[0]) {
			return 1 + depth(c.Subcommands, words[1:])
		}
	}
	return 0
}
