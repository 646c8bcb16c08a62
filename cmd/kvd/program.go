package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

const about = `kvd is a leader of a replicated key-value store: it takes writes alone,
acknowledges them from its own disk, and replicates to the others afterwards.
Clients speak the Redis protocol; kv is ours.

Every flag of serve is also read from the environment, --data-dir as KVD_DATA_DIR,
and from the YAML file that --config names, as data-dir. A flag goes before the
environment, that before the file, that before the default. Lists in the
environment are separated by commas. Secrets are never flags: they are files.

Examples:
   kvd dev                                        three leaders in one process
   kvd dev --resolver lww --skew n2=-250ms        one of them with a slow clock
   kvd serve --node n1 --data-dir /var/lib/kvd    a leader on this machine
   kvd serve --node n2 --join 10.0.0.1:6393 --config kvd.yaml
   kvd serve --policy views:=counter --policy cart:=siblings
   kvd config print --origin                      what serve would use, and why
   kvd passwd ann < secret >> users               a line for --users-file
   kvd replay week.history                        what other resolvers would have kept

Exit codes:
   0 stopped in order        1 failed        2 wrong usage
   70 a bug in kvd           130 interrupted before it served`

// program is the command line.
func program(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:        "kvd",
		Usage:       "serve a key-value store in which every node is a leader",
		Description: about,
		Reader:      stdin, Writer: stdout, ErrWriter: stderr,
		Commands: []*cli.Command{
			serveCommand(), devCommand(), configCommand(), passwdCommand(), replayCommand(),
			{Name: "version", Usage: "print which program this is", Action: printVersion},
			cliutil.Completion(),
		},
	}
}
