package measure

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/bench"
	"kvd/replica/client/conn"
)

const aboutBench = `Each op is measured by itself, one after the other: set, get and incr of random keys,
and mixed, seven gets, two sets and one incr of ten. Keys begin with --prefix; they
are really written, and stay.

Without --rate it is a closed loop: every client sends up to --pipeline commands when
its last ones are answered. A server that stalls is then asked less meanwhile, and
looks better than it is. With --rate, commands are due at fixed moments whatever the
server does, and latency counts from when each was due. If the server cannot keep up,
the latency grows as the queue does, and what was due and not sent is reported.

--lag writes at --from and looks at --to until the write is shown there. Looking takes
a round trip, so much of the lag is that.

Memory: about 150 kB a client and two histograms of 130 kB for each processor.`

// Spec is the command.
func Spec() invoke.Spec {
	return invoke.Spec{Name: "bench", Usage: "measure how fast a leader is", Least: 0, Most: 0, About: aboutBench, Do: run,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "ops", Value: "set,get", Usage: "measure `OPS`: set, get, incr, mixed, with commas"},
			&cli.IntFlag{Name: "clients", Value: 50, Usage: "`N` connections"},
			&cli.IntFlag{Name: "pipeline", Value: 1, Usage: "a client sends `N` commands before it waits"},
			&cli.IntFlag{Name: "size", Value: 100, Usage: "values of `N` bytes"},
			&cli.Uint64Flag{Name: "keys", Value: 1_000_000, Usage: "choose among `N` keys"},
			&cli.DurationFlag{Name: "duration", Value: 10 * time.Second, Usage: "measure each op for `DURATION`"},
			&cli.Int64Flag{Name: "requests", Usage: "measure `N` commands of each op, instead of a duration"},
			&cli.Float64Flag{Name: "rate", Usage: "`N` commands a second, whatever the server does"},
			&cli.IntFlag{Name: "conflicts", Usage: "let `N` of a hundred sets know nothing of what the key holds, so that they collide with it"},
			&cli.StringFlag{Name: "prefix", Value: "bench:", Usage: "every key begins with `TEXT`"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "keys and values follow from `N`"},
			&cli.BoolFlag{Name: "lag", Usage: "measure from a write at one leader until another shows it"},
			&cli.StringFlag{Name: "from", Usage: "--lag: write at `LEADER`"},
			&cli.StringFlag{Name: "to", Usage: "--lag: look at `LEADER`"},
		}}
}

func run(k *invoke.Call) error {
	if k.Bool("lag") {
		return benchLag(k)
	}
	if k.IsSet("from") || k.IsSet("to") {
		return cliutil.Usage("--from and --to belong to --lag", "other measurements ask one leader", "kv bench -n LEADER, or kv bench --lag --from LEADER --to LEADER")
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	var plans []bench.Config
	for name := range strings.SplitSeq(k.String("ops"), ",") {
		plan, err := plan(k, l, bench.Op(name))
		if err != nil {
			return err
		}
		plans = append(plans, plan)
	}
	k.Out.List()
	for _, plan := range plans {
		if err := measure(k, l, plan); err != nil {
			return err
		}
	}
	return nil
}

// plan is one measurement as the flags say.
func plan(k *invoke.Call, l *client.Leader, o bench.Op) (bench.Config, error) {
	progress := k.Progress()
	if err := cliutil.OneOf(string(o), bench.Ops()...); err != nil {
		return bench.Config{}, cliutil.Usage(fmt.Sprintf("unknown op %q", o), "of --ops, "+err.Error(), "kv bench --ops set,get")
	}
	cfg := bench.Config{
		Dial: l.Conn, Op: o, Clients: k.Int("clients"), Pipeline: k.Int("pipeline"), Size: k.Int("size"),
		Keys: k.Uint64("keys"), Prefix: k.String("prefix"), Requests: k.Int64("requests"), Duration: k.Duration("duration"),
		Rate: k.Float64("rate"), Seed: k.Uint64("seed"), Conflicts: k.Int("conflicts"), Timeout: k.Timeout,
		Progress: func(done int64, after time.Duration) {
			progress.Say(fmt.Sprintf("%s: %d in %s, %.0f/s", o, done, after.Round(100*time.Millisecond), float64(done)/after.Seconds()))
		},
	}
	return cfg, misplanned(cfg.Validate())
}

func misplanned(err error) error {
	if err == nil {
		return nil
	}
	return cliutil.Usage("nothing to measure", err.Error(), "kv bench --help")
}

// measure runs one plan, and prints what was measured, also if it ended early.
func measure(k *invoke.Call, l *client.Leader, plan bench.Config) error {
	r, err := bench.Run(k.Ctx(), plan)
	k.ClearProgress()
	if r.Requests > 0 {
		if put := k.Out.Put(show.Measured(plan, r)); err == nil {
			err = put
		}
	}
	if err != nil {
		return client.NewRefusal(l, "bench", err)
	}
	if r.Refused > 0 {
		return client.NewRefusal(l, "bench", fmt.Errorf("%d of %d commands were refused; one of them: %w", r.Refused, r.Requests, conn.Refused(r.Refusal)))
	}
	return nil
}

func benchLag(k *invoke.Call) error {
	if !k.IsSet("from") || !k.IsSet("to") {
		return cliutil.Usage("--lag needs --from and --to", "a write at one leader is looked for at another", "kv bench --lag --from n1 --to n2")
	}
	from, err := k.Find(invoke.Address(k.String("from")))
	if err != nil {
		return err
	}
	to, err := k.Find(invoke.Address(k.String("to")))
	if err != nil {
		return err
	}
	progress := k.Progress()
	g := bench.Lag{
		From: k.Opened.Open(*from).Conn, To: k.Opened.Open(*to).Conn, Prefix: k.String("prefix"), Size: k.Int("size"),
		Samples: k.Int64("requests"), Duration: k.Duration("duration"), Rate: k.Float64("rate"), Timeout: k.Timeout,
		Run: fmt.Sprintf("%d:", time.Now().UnixNano()),
		Progress: func(done int64, after time.Duration) {
			if done%100 == 0 {
				progress.Say(fmt.Sprintf("lag: %d writes in %s", done, after.Round(100*time.Millisecond)))
			}
		},
	}
	if err := misplanned(g.Validate()); err != nil {
		return err
	}
	r, err := bench.MeasureLag(k.Ctx(), g)
	k.ClearProgress()
	if r.Visible.Count > 0 {
		if put := k.Out.Put(show.Lagged(from.Name, to.Name, r)); err == nil {
			err = put
		}
	}
	if err != nil {
		return client.NewRefusal(k.Opened.Open(*to), "bench", err)
	}
	return nil
}
