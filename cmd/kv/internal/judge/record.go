package judge

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/opfile"
	"kvd/replica/client/record"
)

const aboutRecord = `Writes to servers of the Redis protocol, ours or others, and records what clients see:
each op with its start and end on one clock. Cut the network, stop servers, fail over
meanwhile; kv judge FILE then says what was lost.

   counter    INCR
   set        GET, then SET of the same with an element more
   register   GET, then SET of a value that nobody else writes

Keys are new, begin with --prefix, and stay. A command without a reply is recorded as
indeterminate, one that was refused as failed. At the end, also after Ctrl-C, every server
is asked for every key until all show the same, at most for --settle: reconnect what was
cut before that is over. A second Ctrl-C ends at once, without these readings.
A FILE of - is standard output.

Examples:
   kv record h.jsonl --against redis://10.0.0.1:6379,redis://10.0.0.2:6379 --duration 1m
   kv record h.jsonl --against redis://127.0.0.1:6379 --workload counter --ops 10000 --rate 0`

func recordSpec() invoke.Spec {
	return invoke.Spec{Name: "record", Usage: "write to any servers, and record what clients see", Args: "FILE", About: aboutRecord, Local: true, Least: 1, Most: 1, Do: recordRun,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "against", Usage: "write at `URLS`: redis://[user:password@]host[:port], several with commas"},
			&cli.StringFlag{Name: "workload", Value: strings.Join(record.Workloads(), ","), Usage: "do `WORKLOADS`, with commas"},
			&cli.IntFlag{Name: "clients", Value: 2, Usage: "`N` clients at each server"},
			&cli.IntFlag{Name: "keys", Value: 4, Usage: "`N` keys of each workload; a set that is full gives way to another"},
			&cli.Int64Flag{Name: "ops", Usage: "end after `N` updates"},
			&cli.DurationFlag{Name: "duration", DefaultText: "30s, or until --ops", Usage: "end after `DURATION`"},
			&cli.Float64Flag{Name: "rate", Value: 500, Usage: "`N` updates a second in all; 0: as fast as answers come"},
			&cli.DurationFlag{Name: "settle", Value: 10 * time.Second, Usage: "wait at most `DURATION` until all servers show the same at the end"},
			&cli.StringFlag{Name: "prefix", DefaultText: "record:TIME:", Usage: "every key begins with `TEXT`"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "which keys and workloads follow from `N`"},
			&cli.BoolFlag{Name: "force", Usage: "replace a file that is there"},
		}}
}

// plan is the recording as the flags say.
func plan(k *invoke.Call) (record.Config, error) {
	c := record.Config{Clients: k.Int("clients"), Keys: k.Int("keys"), Ops: k.Int64("ops"), Duration: k.Duration("duration"), Rate: k.Float64("rate"),
		Settle: k.Duration("settle"), Timeout: k.Timeout, Prefix: k.String("prefix"), Seed: k.Uint64("seed")}
	if !k.IsSet("prefix") {
		c.Prefix = fmt.Sprintf("record:%d:", time.Now().UnixNano())
	}
	if c.Ops == 0 && !k.IsSet("duration") {
		c.Duration = 30 * time.Second
	}
	if k.String("against") == "" {
		return c, cliutil.Usage("--against is missing", "it says which servers to write to", "kv record FILE --against redis://HOST:PORT,redis://HOST:PORT")
	}
	var err error
	if c.Servers, err = record.ParseServers(k.String("against")); err != nil {
		return c, cliutil.Usage("--against cannot be read", err.Error(), "kv record FILE --against redis://HOST:PORT,redis://HOST:PORT")
	}
	for name := range strings.SplitSeq(k.String("workload"), ",") {
		name = strings.TrimSpace(name)
		if err := cliutil.OneOf(name, record.Workloads()...); err != nil {
			return c, cliutil.Usage(fmt.Sprintf("unknown workload %q", name), err.Error(), "kv record FILE --workload counter,set")
		}
		c.Workloads = append(c.Workloads, record.Workload(name))
	}
	return c, nil
}

func recordRun(k *invoke.Call) error {
	c, err := plan(k)
	if err != nil {
		return err
	}
	var w *opfile.Writer // there is one before the first op
	c.Put = func(o *opfile.Op) error { return w.Put(o) }
	if err := c.Validate(); err != nil {
		return cliutil.Usage("nothing can be recorded so", err.Error(), "kv record --help")
	}
	out, err := openFor(k)
	if err != nil {
		return err
	}
	w, err = opfile.NewWriter(out, fmt.Sprintf("kv record against %s, begun %s; prefix %s, seed %d", named(c.Servers), time.Now().UTC().Format(time.RFC3339), c.Prefix, c.Seed))
	if err != nil {
		return unwritten(k, err, out.Close())
	}
	progress := cliutil.Progress{}
	if !k.Quiet {
		progress = cliutil.NewProgress(k.App.ErrWriter)
	}
	c.Progress = func(n int64, after time.Duration) {
		progress.Say(fmt.Sprintf("%d updates in %s", n, after.Round(time.Second)))
	}
	sum, err := record.Run(k.Ctx(), c)
	progress.Clear()
	if err == nil {
		err = w.Flush()
	}
	if closed := out.Close(); err != nil || closed != nil {
		return unwritten(k, err, closed)
	}
	return told(k, sum)
}

// openFor opens the file that the ops go to. It holds whole lines whenever the program
// ends.
func openFor(k *invoke.Call) (io.WriteCloser, error) {
	to, err := cliutil.Await(k.Ctx(), func() (cliutil.Destination, error) {
		return cliutil.Toward(k.Args().First(), k.App.Writer, k.Bool("force"))
	})
	if err == nil && to.Stream == nil {
		to.Stream, err = os.Create(to.Path)
	}
	if err != nil {
		return nil, cliutil.Fail("cannot record", err, "name another file, or --force to replace it")
	}
	return to.Stream, nil
}

func unwritten(k *invoke.Call, err, closed error) error {
	return cliutil.Fail("the recording ended early", errors.Join(err, closed), "what "+show.Brief(k.Args().First())+" holds can be judged, but for what its end lacks")
}

func named(all []record.Server) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Addr
	}
	return strings.Join(names, ", ")
}

// told says what was recorded.
func told(k *invoke.Call, s record.Summary) error {
	file := k.Args().First()
	say := fmt.Sprintf("%s holds %s of %s in %s: %d acknowledged, %d without a reply, %d refused", show.Brief(file), show.Count(int(s.Updates), "update"), show.Count(s.Keys, "key"),
		s.Took.Round(time.Millisecond), s.Acked, s.Indeterminate, s.Failed)
	if s.Refusal != "" {
		say += "\none of the refusals: " + show.Printable(s.Refusal)
	}
	for _, m := range s.Missing {
		say += fmt.Sprintf("\n%s could not be asked at the end", m)
	}
	if s.Differ > 0 {
		say += fmt.Sprintf("\nservers show %s differently at the end; a longer --settle waits for them", show.Count(s.Differ, "key"))
	}
	if file == cliutil.Standard {
		k.Say(say)
		return nil
	}
	return k.Out.Put(show.Facts(say+"\nkv judge "+show.Brief(file)+" says what was lost", fmt.Sprint(s.Updates), show.WordFact("file", file), show.NumberFact("updates", s.Updates),
		show.NumberFact("acknowledged", s.Acked), show.NumberFact("indeterminate", s.Indeterminate), show.NumberFact("failed", s.Failed), show.NumberFact("reads", s.Reads), show.NumberFact("keys", int64(s.Keys)),
		show.TruthFact("agreed", s.Agreed), show.NumberFact("keys_that_differ", int64(s.Differ)), show.ListFact("not_asked_at_the_end", s.Missing)))
}
