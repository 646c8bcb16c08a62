// Kv reads and writes a kvd cluster from a shell: values, siblings, sessions
// that reach over several leaders, how leaders differ, and how fast they are.
//
//	argv ─▶ internal/invoke (what was said, a session, leaders) ─▶ command ─▶ replica/client… (asking, merging)
//	                                                                └─▶ internal/show (records) ─▶ text, table, json, jsonl or raw
//
// A command is an invoke.Spec: its arguments, flags and what it does with a call. The
// commands are in files by theme: values, numbers, keys, siblings, the cluster, lost
// writes, exports, measurements, contexts and admin.
//
// Invariants:
//
//   - data goes to standard output, talk and failures to standard error;
//   - a write is sent once: nothing is tried again, since an increment whose
//     reply was lost may have been done.
package main

import (
	"io"
	"os"
	"regexp"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	client.SilenceLog() // failures are told once, by us
	app := program(stdin, stdout, stderr)
	err := cliutil.Run(app, args)
	if wantsJSON(args) {
		return cliutil.TellJSON(stderr, err)
	}
	return cliutil.Tell(stderr, app.Name, err)
}

// wantsJSON reports whether failures are to be told as JSON. The command line may
// be one that cannot be read, so this looks for the flag alone.
func wantsJSON(args []string) bool {
	short := regexp.MustCompile(`^-[hqv]*o=?(.*)$`)
	format := os.Getenv("KV_OUTPUT")
	for i, arg := range args {
		found := short.FindStringSubmatch(arg)
		long, ok := strings.CutPrefix(arg, "--output")
		switch {
		case arg == "--":
			return isJSON(format)
		case ok && strings.HasPrefix(long, "="):
			format = long[1:]
		case (ok && long == "" || found != nil && found[1] == "") && i+1 < len(args):
			format = args[i+1]
		case found != nil:
			format = found[1]
		}
	}
	return isJSON(format)
}

func isJSON(format string) bool { return format == "json" || format == "jsonl" }
