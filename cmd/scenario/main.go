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
	"runtime"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/scenarios"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cliutil.Main(program(stdin, stdout, stderr), args)
}

// defaultSeed is the seed of the expectations in scripts.
const defaultSeed = scenarios.ExpectedSeed

const about = `A scenario is a text file: a cluster with its clocks and links, what clients and
faults do to it, and what is promised. It is played in virtual time, so the same
script, resolver and seed always give the same run.

Scenarios are named as in "scenario list", or by the path of a .txtar file; "-"
reads one from standard input. Flags may stand anywhere on the line.

Examples:
   scenario run                             an increment loses to the write it was based on
   scenario run -r causal                   the same history under another resolver
   scenario compare                         the whole library under every resolver
   scenario compare hot-set -o markdown     one of them, for a page
   scenario run ddia-8-3 --live             the same history, made by real processes
   scenario compare ddia-8-3 --html a.html  the same, to look at in a browser
   scenario show ddia-8-3 > mine.txtar      a script to begin with
   scenario check mine.txtar                is it a scenario, and what would it play
   scenario sweep ddia-8-3 --over skew=0,1ms..10s   at which skew who begins to lose
   scenario explore --seeds 200             random histories, shrunk if they break a promise
   scenario detect                          fixed timeouts against phi: who is gone
   scenario playground                      change a scenario in a browser, and play it there
   scenario learn                           a way through the chapter, with exercises

Exit codes:
   0 every expectation and promise held     1 failed        2 wrong usage
   7 an expectation or a promise broke      8 leaders did not converge
   130 interrupted`

func program(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	return synonyms().In(&cli.App{
		Name:        "scenario",
		Usage:       "play histories under every conflict resolver and see who lost what",
		Description: about,
		Reader:      stdin, Writer: stdout, ErrWriter: stderr,
		Commands: []*cli.Command{
			{Name: "list", Usage: "name the scenarios of the library", Action: listLibrary},
			{Name: "show", Usage: "print a scenario's script", ArgsUsage: "NAME|FILE", Action: show},
			runCommand(), compareCommand(),
			{Name: "check", Usage: "say whether files are scenarios, and what they would play", ArgsUsage: "FILE...", Action: check},
			{Name: "verbs", Usage: "print the language scenarios are written in", Action: verbs},
			exploreCommand(), sweepCommand(), detectCommand(), playgroundCommand(), learnCommand(), cliutil.Completion(),
		},
	})
}

func synonyms() cliutil.Synonyms {
	s := cliutil.Synonyms{"--json": "-o json", "--format": "-o FORMAT", "--output-dir": "--out DIR", "run --resolvers": "--resolver NAME, or scenario compare"}
	for means, words := range map[string][]string{
		"run": {"play", "tell", "start", "exec", "test"}, "list": {"ls", "library", "names", "scenarios"}, "show": {"cat", "print", "get"},
		"check": {"validate", "lint", "parse"}, "compare": {"diff", "matrix", "all"}, "explore": {"fuzz", "search", "random", "hunt"}, "sweep": {"curve", "vary", "plot"},
		"verbs": {"language", "words", "syntax", "grammar"}, "playground": {"sandbox", "edit", "browser", "wasm", "serve"}, "learn": {"course", "teach", "tutorial", "exercises", "lessons"},
	} {
		for _, word := range words {
			s[word] = "scenario " + means
		}
	}
	return s
}

func runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "play scenarios under one resolver and explain what happens", ArgsUsage: "[NAME|FILE]...   (default: ddia-8-3)",
		Flags: append(liveFlags(),
			&cli.StringFlag{Name: "resolver", Aliases: []string{"r"}, Value: figureResolver, Usage: "serve every key by `NAME`"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "leave nothing out: each request, each message"},
			seedFlag(), branchesFlag(), pageFlag(), outFlag(),
		),
		Action: explain,
	}
}

func compareCommand() *cli.Command {
	return &cli.Command{
		Name: "compare", Usage: "play scenarios under several resolvers and compare", ArgsUsage: "[NAME|FILE]...   (default: the whole library)",
		Flags: append(liveFlags(),
			&cli.StringFlag{Name: "resolvers", Aliases: []string{"resolver", "r"}, Value: "all", Usage: "`NAMES` separated by commas, or all"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "table, json or markdown: `FORMAT`"},
			&cli.BoolFlag{Name: "update", Usage: "rewrite the expect sections of the scripts with what happened"},
			seedFlag(), workersFlag(), branchesFlag(), pageFlag(), outFlag(),
		),
		Action: compare,
	}
}

func seedFlag() cli.Flag {
	return &cli.Uint64Flag{Name: "seed", DefaultText: "the script's, else 1", Usage: "all chance follows from `N`"}
}

func workersFlag() cli.Flag {
	return &cli.IntFlag{Name: "workers", Value: runtime.NumCPU(), Usage: "`N` runs at a time"}
}

func outFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Value: defaultOut, Usage: "keep traces, matrices and, of one scenario, a page under `DIR`; none: nowhere"}
}
