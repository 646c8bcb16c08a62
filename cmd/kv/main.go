// Kv reads and writes a kvd cluster from a shell: values, siblings, sessions
// that reach over several leaders, how leaders differ, and how fast they are.
//
//	argv ─▶ settings (flag, environment, context, default) ─▶ command ─▶ leaders, over the Redis protocol
//	                                                             └─▶ records ─▶ text, table, json, jsonl or raw
//
// A command is a spec: its arguments, flags and what it does with a call. A call
// holds what the user said, the leaders it opened, the session, and the printer
// that takes records. What a command asks of a server is in its own file; how a
// failure is told is in failure.go alone.
//
// Invariants:
//
//   - data goes to standard output, talk and failures to standard error;
//   - a write is sent once: nothing is tried again, since an increment whose
//     reply was lost may have been done;
//   - a password goes only to an address the user named, or to a leader of the
//     context that names the password;
//   - a session claims to have been shown what was printed, and nothing else.
package main

import (
	"io"
	"os"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"kvd/cmd/internal/cliutil"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	redis.SetLogger(&logging.VoidLogger{}) // failures are told once, by us
	app := program(stdin, stdout, stderr)
	err := cliutil.Run(app, args)
	if wantsJSON(args) {
		return cliutil.TellJSON(stderr, err)
	}
	return cliutil.Tell(stderr, app.Name, err)
}
