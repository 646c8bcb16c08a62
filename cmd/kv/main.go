// Kv reads and writes a kvd cluster from a shell: values, siblings, sessions
// that reach over several leaders, how leaders differ, and how fast they are.
//
//	argv ─▶ internal/invoke (what was said, a session, leaders) ─▶ command ─▶ replica/client… (asking, merging)
//	                                                                └─▶ internal/show (records) ─▶ text, table, json, jsonl or raw
//
// A command is an invoke.Spec: its arguments, flags and what it does with a call. The
// commands are in files by theme: values, numbers, keys, siblings, the cluster, lost
// writes, exports and contexts. What mends a cluster (internal/admin) and what measures
// it (internal/measure) are packages of their own, and new themes are too.
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
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/admin"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/judge"
	"kvd/cmd/kv/internal/lock"
	"kvd/cmd/kv/internal/measure"
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

const about = `kv talks to one leader of a cluster; compare, wait, status, and losses, why, fate,
restore, audit and advise, which tell what became of acknowledged writes, talk to all.
Flags may stand anywhere on the line. A value of "-" is read from standard input,
to its last byte. Data goes to standard output, talk to standard error.

Which leader: -n HOST:PORT or the name of a leader; else KV_NODE; else the first
leader of the context (-c, KV_CONTEXT, or the one "kv context use" chose); else
` + invoke.DefaultAddr + `. For compare and wait, -n may list several, with commas.

Sessions: --session NAME keeps a token between calls, and the name may be used at
any leader. A leader that lacks what the session has seen waits for it. A set after
a get goes over exactly what that get showed; what others wrote meanwhile is kept
beside it where the resolver keeps siblings. A set without a get before it goes
over what the leader shows, as it does without a session.

Examples:
   kv set greeting hello                        kv get greeting -o json
   kv get x -n n1 --session ann                 read at one leader,
   kv set x 2 -n n2 --session ann               write at another what follows from it
   kv siblings cart                             kv resolve cart "milk, eggs"
   kv losses --since 10m                        what was lost; why KEY, fate DOT, restore DOT
   kv compare --prefix user:                    where leaders differ
   kv bench --ops set,get --pipeline 16         how fast one leader is
   kv judge history.jsonl                       what another store lost
   kv lock run nightly -- ./report.sh           run it while nobody else does

Exit codes:
   0 done                     1 failed                  2 wrong usage
   3 the key is not there     4 conflict or divergence  5 unreachable, too late, draining
   6 not allowed              70 a bug in kv            130 interrupted`

func program(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	return synonyms().In(&cli.App{
		Name:        "kv",
		Usage:       "read, write and compare the leaders of a kvd cluster",
		Description: about,
		Reader:      stdin, Writer: stdout, ErrWriter: stderr,
		Flags: invoke.GlobalFlags(),
		Commands: append(commands(),
			measure.Spec().Command(), contextCommand(), lock.Command(), admin.Command(), cliutil.Completion()),
	})
}

// synonyms are what others call what kv does, by what it is called here.
func synonyms() cliutil.Synonyms {
	s := cliutil.Synonyms{}
	for _, row := range []struct{ means, words string }{
		{"set", "put write store"}, {"get", "read fetch cat show print"}, {"del", "delete remove rm unset"},
		{"scan", "keys list ls find"}, {"status", "stat top overview"}, {"members", "nodes leaders peers cluster info servers"}, {"ping", "health alive"},
		{"incr", "add inc increment incrby"}, {"decr", "sub dec decrement decrby"}, {"ttl", "pttl"}, {"expire", "persist pexpire"},
		{"watch", "follow subscribe tail listen"}, {"losses", "lost"}, {"siblings", "versions values"}, {"resolve", "merge settle"},
		{"why", "explain"}, {"history", "log"}, {"compare", "diff"}, {"wait", "sync converge"}, {"export", "dump"}, {"backup", "snapshot checkpoint save"},
		{"restore", "undo recover"}, {"whatif", "replay simulate"}, {"judge", "check verify analyze analyse"}, {"record", "workload drive"}, {"bench", "benchmark measure"}, {"context", "contexts ctx login"},
		{"raw", "command exec do redis cmd"}, {"admin conflicts", "conflicts"}, {"admin new-origin", "new-origin"}, {"admin accept DOT", "accept"}, {"admin forget NODE", "forget evict"}, {"admin drain NODE", "drain cordon decommission"}, {"admin leave NODE", "leave"}, {"admin replace OLD NEW", "replace"}, {"admin reload", "reload"},
		{"lock run NAME -- COMMAND", "mutex lease flock"}, {"lock ls", "locks"}, {"advise", "advice recommend"}, {"clock", "time ntp skew offset offsets"},
	} {
		for word := range strings.FieldsSeq(row.words) {
			s[word] = "kv " + row.means
		}
	}
	for word, means := range map[string]string{"list": "ls", "show": "ls", "delete": "rm", "remove": "rm", "switch": "use", "select": "use", "set": "use", "create": "add", "new": "add"} {
		s["context "+word] = "kv context " + means
	}
	for _, flag := range []string{"--host", "--port", "--addr", "--address", "--server", "--leader", "--url"} {
		s[flag] = "-n HOST:PORT"
	}
	s["--json"], s["--format"], s["--raw"] = "-o json", "-o FORMAT", "-o raw"
	s["--password"], s["--username"] = "--password-file FILE", "--user"
	return s
}

func commands() []*cli.Command {
	var all []*cli.Command
	for _, s := range slices.Concat(valueSpecs(), numberSpecs(), keySpecs(), siblingSpecs(), ledgerSpecs(), whatIfSpecs(), clusterSpecs(), judge.Specs(), []invoke.Spec{backupSpec(), clockSpec()}) {
		all = append(all, s.Command())
	}
	return all
}

// call is one command on its way, with what the commands of kv do with it.
type call struct{ *invoke.Call }

func on(do func(*call) error) func(*invoke.Call) error {
	return func(k *invoke.Call) error { return do(&call{k}) }
}

func at(do func(*call, *client.Leader) error) func(*invoke.Call) error {
	return invoke.At(func(k *invoke.Call, l *client.Leader) error { return do(&call{k}, l) })
}
