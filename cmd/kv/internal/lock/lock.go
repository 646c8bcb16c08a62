package lock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

const aboutLocks = "\nLocks are decided by a majority of the quorum's voters, whichever leader is asked: kv admin quorum\nsays who votes. Without a majority there is no lock, and nothing else is kept from going on."

const aboutRun = `Takes the lock, runs the command, renews the lease while it runs, and releases the lock when it
has ended, was interrupted (Ctrl-C), or could not be run. The command finds in its environment
   KV_LOCK_NAME   the lock
   KV_LOCK_TOKEN  its fencing token, greater than every token that was given for it before

A lock is held for --ttl at a time. If the lease cannot be renewed, because no majority of the quorum
answers, the command is told to end (SIGTERM) --grace before the lease may be over, and is killed
(SIGKILL) when it may. If kv itself stood still for longer than the lease (SIGSTOP, a machine that was
suspended), the command is killed at once. While kv stands still nobody stops the command: what it writes
must carry the token, and who takes the writes must refuse an older one. kv lock write and KVD.FENCED
do; for other systems, have them remember the greatest token that they saw.

Ctrl-C and SIGTERM tell the command to end; it has 10 s, or --grace if that is longer, and the lock is
held until then. A second one ends kv at once, and the lease runs out by itself.

Signals reach all that the command started, and once it was told to end the lock is held until all of that
has ended; except at a terminal: there the command alone.

Exit codes: those of the command, 128 more than its number if a signal ended it; and
   4 another holds the lock   5 no majority, or no leader answers   124 the lock was lost
   126, 127 the command cannot be run, is not there                 130 interrupted

Examples:
   kv lock run nightly -- ./report.sh          waits until nobody else runs it
   kv lock run nightly --wait 0s -- ./report.sh  or does not
   kv lock run stock -- sh -c 'kv lock write set stock:7 12'`

// Command is kv lock with its subcommands.
func Command() *cli.Command {
	specs := []invoke.Spec{
		{Name: "run", Usage: "run a command while a lock is held", Args: "NAME -- COMMAND [ARG...]", Least: 2, Most: -1, About: aboutRun + aboutLocks, Do: runHeld,
			Flags: []cli.Flag{
				&cli.DurationFlag{Name: "ttl", Value: 15 * time.Second, Usage: "the lease lasts `DURATION` without being renewed"},
				&cli.DurationFlag{Name: "wait", Usage: "wait for whoever holds the lock for `DURATION`, instead of for as long as it takes"},
				&cli.DurationFlag{Name: "grace", Usage: "the command has `DURATION` to end before it is killed, instead of a quarter of --ttl"},
				&cli.StringFlag{Name: "as", Usage: "be called `TEXT` where others see who holds the lock, instead of by machine and process"},
			}},
		{Name: "ls", Usage: "list the locks that are held", Args: "", Least: 0, Most: 0, About: strings.TrimPrefix(aboutLocks, "\n"), Do: invoke.At(list)},
		{Name: "info", Usage: "print who holds a lock, under which token and for how long", Args: "NAME", Least: 1, Most: 1, Do: invoke.At(info), About: "Exit code 3: nobody holds it." + aboutLocks},
		{Name: "release", Usage: "release a lock that somebody else left behind", Args: "NAME", Least: 1, Most: 1, Writes: true, Do: invoke.At(release),
			About: "--token releases it if it is held under that token. --any takes it from whoever holds it, which\nadministrators may: the holder is told at its next renewal, or write under the token, and not before.\nExit code 3: it was not held so." + aboutLocks,
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "token", Usage: "release it if it is held under `TOKEN`"},
				&cli.BoolFlag{Name: "any", Usage: "release it, whoever holds it"}}},
		{Name: "write", Usage: "write a key while the lock is held, or be refused", Args: "set KEY VALUE | del KEY | incr KEY [N]", Least: 2, Most: 3, Writes: true, Do: invoke.At(write),
			About: "The leader asks the quorum, and accepts the write only while the lease under the token cannot have\nended. Within kv lock run the lock and its token are those of the command. Exit code 4: the lock is not\nheld under the token, and nothing was written." + aboutLocks,
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "lock", EnvVars: []string{"KV_LOCK_NAME"}, Usage: "write under the lock `NAME`"},
				&cli.StringFlag{Name: "token", EnvVars: []string{"KV_LOCK_TOKEN"}, Usage: "which is held under `TOKEN`"}}},
	}
	c := &cli.Command{Name: "lock", Usage: "run a command under a lock of the whole cluster, and look at locks"}
	for _, s := range specs {
		s.Under = c.Name
		c.Subcommands = append(c.Subcommands, s.Command())
	}
	return c
}

// record is a lock that is held.
func record(r client.Reply) show.Record {
	name, id, token, left := r.Field("name").Text, r.Field("id").Text, r.Field("token").Text, time.Duration(r.Field("milliseconds").Int)*time.Millisecond
	return show.Facts(fmt.Sprintf("%s  held under %s by %s, for another %s unless it is renewed", show.Printable(name), token, show.Printable(id), left), name,
		show.WordFact("lock", name), show.WordFact("token", token), show.WordFact("holder", id), show.NumberFact("milliseconds", left.Milliseconds()))
}

func list(k *invoke.Call, l *client.Leader) error {
	r, err := l.Do(k.Ctx(), "KVD.LOCKINFO")
	if err != nil {
		return err
	}
	if len(r.Items) == 0 {
		k.Say("no lock is held")
	}
	return show.PutList(k.Out, r.Items, record)
}

func info(k *invoke.Call, l *client.Leader) error {
	r, err := l.Do(k.Ctx(), "KVD.LOCKINFO", k.Args().First())
	switch {
	case err != nil:
		return err
	case len(r.Items) == 0:
		return absent(k, "nobody holds it")
	}
	return k.Out.Put(record(r.Items[0]))
}

func absent(k *invoke.Call, why string) error {
	return &problem{What: k.Subject(), Why: why, Next: "kv lock ls lists what is held", Code: cliutil.Absent}
}

func release(k *invoke.Call, l *client.Leader) error {
	under := k.String("token")
	if k.Bool("any") == (under != "") {
		return cliutil.Usage("kv lock release takes --token or --any", "one of them says whose hold it ends", "kv lock info NAME tells the token")
	}
	if under == "" {
		under = "ANY"
	}
	r, err := l.Do(k.Ctx(), "KVD.UNLOCK", k.Args().First(), under)
	switch {
	case err != nil:
		return err
	case r.Int == 0:
		return absent(k, "it is not held so")
	}
	name := k.Args().First()
	return k.Out.Put(show.Facts(show.Printable(name)+" is released", name, show.WordFact("lock", name), show.WordFact("leader", l.Name)))
}

func write(k *invoke.Call, l *client.Leader) error {
	name, token, words := k.String("lock"), k.String("token"), k.Args().Slice()
	if name == "" || token == "" {
		return cliutil.Usage("kv lock write needs a lock and its token", "--lock and --token say so, or the environment that kv lock run makes", "kv lock run NAME -- kv lock write set KEY VALUE")
	}
	verbs := map[string][]int{"set": {3}, "del": {2}, "incr": {2, 3}}
	if !slices.Contains(verbs[words[0]], len(words)) {
		return cliutil.Usage("kv lock write sets, deletes or adds", "read: "+show.Printable(strings.Join(words, " ")), "kv lock write set KEY VALUE | del KEY | incr KEY [N]")
	}
	if words[0] == "set" {
		value, err := k.Value(words[2])
		if err != nil {
			return err
		}
		words[2] = value
	}
	words[0] = strings.ToUpper(words[0])
	r, err := l.Do(k.Ctx(), append([]string{"KVD.FENCED", name, token}, words...)...)
	if err != nil {
		return err
	}
	return k.Out.Put(show.Facts(show.Printable(r.Text), r.Text, show.KeyFact(words[1]), show.WordFact("answer", r.Text)))
}
