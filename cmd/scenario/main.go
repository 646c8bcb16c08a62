// Scenario plays scripted histories of a multi-leader store under every
// conflict resolver and shows who lost what.
//
//	arguments ─▶ scripts (library or files) ─▶ scenarios.Compare ─▶ report ─▶ stdout, runs/
//
// It is assembly only: the language is kvd/scenarios/script, the runner
// kvd/scenarios, everything printed kvd/scenarios/report.
package main

import (
	"io"
	"os"

	"kvd/cmd/internal/cliutil"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cliutil.Main(program(stdin, stdout, stderr), args)
}
