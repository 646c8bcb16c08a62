// Kvd is a leader: it serves clients, meets the other leaders of its cluster and
// replicates to them. It is also a whole cluster in one process, for trying out.
//
//	flags ─▶ environment ─▶ file ─▶ defaults: settings ─▶ leader.Config ─▶ leader.Start
//	signal ─▶ Quiesce (no more clients, others have it all) ─▶ Stop ─▶ the last line
//
// A setting is a row of one table: its flag, its variable, its place in the file
// and what it does to the configuration are one thing. What wires a leader
// together is in replica/node.
package main

import (
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return cliutil.Main(program(stdin, stdout, stderr), args)
}

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
   kvd passwd ann >> users                        a line for --users-file
   kvd replay week.history                        what other resolvers would have kept
   kvd alerts; kvd dashboard                      rules for Prometheus, a board for Grafana
   kvd verify /var/lib/kvd                        is a stopped leader's data, or a backup, whole?
   kvd restore /backups/n1 /var/lib/kvd           a data directory of what kv backup wrote

Exit codes:
   0 done or stopped in order    1 failed    2 wrong usage    4 kvd verify found damage
   70 a bug in kvd           130 interrupted before it served`

func program(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	return synonyms().In(&cli.App{
		Name:        "kvd",
		Usage:       "serve a key-value store in which every node is a leader",
		Description: about,
		Reader:      stdin, Writer: stdout, ErrWriter: stderr,
		Commands: []*cli.Command{
			serveCommand(), devCommand(), configCommand(), passwdCommand(), replayCommand(), verifyCommand(), restoreCommand(),
			alertsCommand(), dashboardCommand(), cliutil.Completion(),
		},
	})
}

// synonyms are what others call what kvd does, or kv does.
func synonyms() cliutil.Synonyms {
	s := cliutil.Synonyms{
		"cluster": "kvd dev", "demo": "kvd dev", "local": "kvd dev",
		"user": "kvd passwd NAME", "useradd": "kvd passwd NAME", "adduser": "kvd passwd NAME", "password": "kvd passwd NAME",
		"check": "kvd config check FILE", "validate": "kvd config check FILE", "settings": "kvd config print",
		"config show": "kvd config print", "config list": "kvd config print", "config validate": "kvd config check", "config test": "kvd config check",
		"judge": "kvd replay FILE", "whatif": "kvd replay FILE, or kv whatif",
		"status": "kv status", "members": "kv members", "backup": "kv backup DIR",
		"--name": "--node", "--id": "--node", "--dir": "--data-dir", "--peers": "--join", "--seeds": "--join",
		"serve --port": "--resp-addr HOST:PORT", "serve --addr": "--resp-addr HOST:PORT", "serve --listen": "--resp-addr HOST:PORT",
		"dev --port": "--resp-port PORT", "dev --nodes": "--leaders N", "--resolvers": "--resolver NAME, and --shadow LIST",
	}
	for _, word := range []string{"start", "run", "server", "leader", "node", "daemon", "up"} {
		s[word] = "kvd serve"
	}
	for _, word := range []string{"get", "set", "del", "scan", "ping", "losses", "why", "audit", "compare", "wait", "watch", "export", "admin", "context"} {
		s[word] = "kv " + word
	}
	return s
}
