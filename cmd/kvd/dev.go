package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kvd/internal/demo"
	"kvd/replica/node"
)

const maxDevLeaders = 16

// demoLatency is enough for writers of hot keys to be in each other's way.
const demoLatency = 50 * time.Millisecond

// devVariables are read by dev; all others are settings of serve.
var devVariables = []string{"KVD_RESP_PORT", "KVD_HTTP_PORT"}

func devCommand() *cli.Command {
	return &cli.Command{
		Name: "dev", Usage: "a whole cluster in one process, on this machine alone",
		Description: "Every leader has real sockets on loopback; data is in memory unless --data-dir is\n" +
			"given. Clocks and links can be made worse, here and later with KVD.FAULT.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "leaders", Value: 3, Usage: "`N` of them, called n1, n2 and so on"},
			&cli.StringFlag{Name: "resolver", Value: node.DefaultResolver.String(), Usage: "serve keys by `NAME`: " + strings.Join(node.Resolvers(), ", ")},
			&cli.StringSliceFlag{Name: "policy", Usage: "serve keys that begin with a prefix otherwise: `PREFIX=RESOLVER` (repeatable, or several with commas)"},
			&cli.StringFlag{Name: "shadow", Value: "all", Usage: "resolvers that only watch and record what they would have lost: all, none or a `LIST`"},
			&cli.StringSliceFlag{Name: "skew", Usage: "let a leader's clock be wrong, as in n2=+250ms: `LEADER=DURATION` (repeatable, or several with commas)"},
			&cli.StringSliceFlag{Name: "drift", Usage: "let a leader's clock run fast, in parts per million: `LEADER=PPM` (repeatable, or several with commas)"},
			&cli.Float64Flag{Name: "slow", Value: 1, Usage: "let all clocks run `N` times slower than time, so that hands are quick enough for milliseconds"},
			&cli.DurationFlag{Name: "latency", Usage: "hold every message between leaders for `DURATION`"},
			&cli.DurationFlag{Name: "jitter", Usage: "and up to `DURATION` more"},
			&cli.Float64Flag{Name: "loss", Usage: "lose a message with `PROBABILITY`"},
			&cli.DurationFlag{Name: "clock-error", Value: 10 * time.Millisecond, Usage: "what every clock claims for its error: `DURATION`"},
			&cli.StringFlag{Name: "quarantine", Value: "warn", Usage: "what follows when most members place true time outside of what a leader's clock claims, as in kvd serve: warn, stamps or all: `WHAT`"},
			&cli.IntFlag{Name: "max-siblings", Value: node.Defaults().MaxSiblings, Usage: "let a client's write leave at most `N` versions of a key side by side"},
			&cli.Int64Flag{Name: "client-memory", Value: node.Defaults().ClientMemory, Usage: "let each leader's clients use `N` bytes of memory together"},
			&cli.IntFlag{Name: "resp-port", Value: 7381, EnvVars: devVariables[:1], Usage: "n1 listens at `PORT`, n2 at the next, and so on; 0: any free ones"},
			&cli.IntFlag{Name: "http-port", EnvVars: devVariables[1:], Usage: "n1 shows its status and metrics at `PORT`, n2 at the next, and so on; 0: any free ones", DefaultText: "100 beyond --resp-port"},
			&cli.BoolFlag{Name: "demo", Usage: "run a sample load over links that take 50ms unless --latency says otherwise; the console has sliders for it, for clocks, delays and cuts"},
			&cli.StringFlag{Name: "data-dir", Usage: "keep data below `DIR` instead of in memory"},
			&cli.StringFlag{Name: "log-level", Value: "error", Usage: "debug, info, warn or error: `LEVEL`"},
			&cli.DurationFlag{Name: "drain-timeout", Value: 3 * time.Second, Usage: "when stopping, wait at most `DURATION` for the leaders to agree"},
		},
		Action: dev,
	}
}

type cluster struct {
	configs []node.Config
	link    node.LinkFault
	drain   time.Duration
	demo    *demo.Demo // nil: there is none
}

func dev(c *cli.Context) error {
	for _, text := range unread(os.Environ(), table()) {
		fmt.Fprintf(c.App.ErrWriter, "kvd: %s\n", text)
	}
	plan, err := planCluster(c)
	if err != nil {
		return cliutil.Usage("this cluster cannot be", err.Error(), "kvd dev --help says what it takes")
	}
	if err := plan.vacant(); err != nil {
		return err
	}
	ctx, _, stopWatching := hangups(c.Context, false)
	defer stopWatching()
	all, err := plan.start(ctx)
	if err != nil {
		return cliutil.Fail("cannot start the cluster", err, "mend what it says; --data-dir takes another directory, and --resp-port 0 free ports")
	}
	if err := awaitAll(ctx, all); err != nil {
		return errors.Join(err, stop(all...))
	}
	name, forget := remember(c.App.ErrWriter, contextOf(all))
	defer forget()
	defer plan.demonstrate(ctx, all)()
	introduce(c.App.Writer, all, name, plan.demo != nil)
	return plan.attend(ctx, c.App.ErrWriter, all)
}

// demonstrate begins the sample load, if there is to be one; end ends it.
func (p *cluster) demonstrate(ctx context.Context, all []*node.Leader) (end func()) {
	if p.demo == nil {
		return func() {}
	}
	var at []demo.Leader
	for i, l := range all {
		at = append(at, demo.Leader{Name: l.Name(), Addr: l.Addrs().RESP, Skew: p.configs[i].Clock.Offset})
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.demo.Run(ctx, at)
	}()
	return func() { cancel(); <-ended }
}

// attend serves until the cluster is to stop, or one of its leaders cannot go on. Those
// that leave for good are stopped, and the others go on.
func (p *cluster) attend(ctx context.Context, w io.Writer, all []*node.Leader) error {
	type end struct {
		l   *node.Leader
		why error
	}
	ends := make(chan end, len(p.configs))
	watch := func(l *node.Leader) {
		select {
		case err := <-l.Broken():
			ends <- end{l, err}
		case <-ctx.Done():
		}
	}
	for _, l := range all {
		go watch(l)
	}
	for len(all) > 0 {
		select {
		case <-ctx.Done():
			return drain(w, p.drain, all...)
		case e := <-ends:
			if beginsAgain(e.why) {
				l, err := p.again(ctx, e.l)
				if err != nil {
					return cliutil.Fail("the cluster cannot go on", errors.Join(err, stop(slices.DeleteFunc(all, func(l *node.Leader) bool { return l == e.l })...)), "")
				}
				all[slices.Index(all, e.l)] = l
				go watch(l)
				continue
			}
			if !errors.Is(e.why, node.ErrLeave) {
				return cliutil.Fail("the cluster cannot go on", errors.Join(fmt.Errorf("%s: %w", e.l.Name(), e.why), stop(all...)), "")
			}
			all = slices.DeleteFunc(all, func(l *node.Leader) bool { return l == e.l })
			if err := errors.Join(drain(w, p.drain, e.l), said(w, e.l)); err != nil {
				return errors.Join(err, stop(all...))
			}
		}
	}
	return nil
}

func planCluster(c *cli.Context) (*cluster, error) {
	n := c.Int("leaders")
	if n < 1 || n > maxDevLeaders {
		return nil, fmt.Errorf("%d leaders; give 1 to %d", n, maxDevLeaders)
	}
	if err := devPorts(n, c.Int("resp-port"), devHTTPPort(c)); err != nil {
		return nil, err
	}
	p := &cluster{drain: c.Duration("drain-timeout")}
	p.link = node.LinkFault{Delay: c.Duration("latency"), Jitter: c.Duration("jitter"), Loss: c.Float64("loss")}
	if c.Bool("demo") {
		if !c.IsSet("latency") {
			p.link.Delay = demoLatency
		}
		p.demo = demo.New(p.link)
	}
	rules, err := devRules(c)
	if err != nil {
		return nil, err
	}
	for i := range n {
		cfg, err := devLeader(c, i, rules)
		if err != nil {
			return nil, err
		}
		if p.demo != nil {
			cfg.Experiments = p.demo
		}
		p.configs = append(p.configs, cfg)
	}
	skew := func(f *node.ClockFaults, value string) (err error) {
		f.Offset, err = time.ParseDuration(value)
		return err
	}
	drift := func(f *node.ClockFaults, value string) (err error) {
		f.Drift, err = strconv.ParseFloat(value, 64)
		return err
	}
	return p, errors.Join(p.link.Validate(), p.each(c.StringSlice("skew"), skew), p.each(c.StringSlice("drift"), drift), p.slow(c.Float64("slow")))
}

// devRules reads the policy with serve's own words.
func devRules(c *cli.Context) (node.Policy, error) {
	var s serving
	err := errors.Join(applyResolver(&s, []string{c.String("resolver")}), applyPolicy(&s, c.StringSlice("policy")), applyShadow(&s, []string{c.String("shadow")}))
	return s.Policy, err
}

func devLeader(c *cli.Context, i int, rules node.Policy) (node.Config, error) {
	var level slog.Level
	if err := readLevel(&level, c.String("log-level")); err != nil {
		return node.Config{}, fmt.Errorf("--log-level: %w", err)
	}
	cfg := node.Defaults()
	cfg.Name, cfg.Cluster, cfg.Version = fmt.Sprintf("n%d", i+1), "dev", cliutil.Version()
	cfg.Addrs = node.Addrs{Peer: devAddr(0, i), Gossip: devAddr(0, i)}
	cfg.Addrs.RESP, cfg.Addrs.HTTP = devAddr(c.Int("resp-port"), i), devAddr(devHTTPPort(c), i)
	cfg.Policy, cfg.ClockError, cfg.Profile = rules, c.Duration("clock-error"), node.GossipLocal
	cfg.Storage.Cache, cfg.MaxSiblings = 16<<20, c.Int("max-siblings")
	cfg.ClientMemory = c.Int64("client-memory")
	cfg.Dir, cfg.UnsafeFaults, cfg.Renewable = cfg.Name, true, true
	cfg.Logger = logger(c.App.ErrWriter, level, false)
	if err := cfg.SetQuarantine(c.String("quarantine")); err != nil {
		return node.Config{}, err
	}
	if dir := c.String("data-dir"); dir != "" {
		cfg.Dir, cfg.StateDir = filepath.Join(dir, cfg.Name), autoStateDir()
	} else {
		cfg.FS = vfs.NewMem()
	}
	return cfg, nil
}

// each finds the leaders that LEADER=VALUE pairs name.
func (p *cluster) each(pairs []string, apply func(*node.ClockFaults, string) error) error {
	for _, pair := range commas(strings.Join(pairs, ",")) {
		name, value, _ := strings.Cut(pair, "=")
		i, err := strconv.Atoi(strings.TrimPrefix(name, "n"))
		if err != nil || i < 1 || i > len(p.configs) {
			return fmt.Errorf("%q names no leader; they are n1 to n%d", pair, len(p.configs))
		}
		if err := apply(&p.configs[i-1].Clock, value); err != nil {
			return fmt.Errorf("%q: %w", pair, err)
		}
	}
	return nil
}

// slow lets all clocks run n times slower, from the same moment on: those of one
// process would otherwise be apart by as long as it takes to start them.
func (p *cluster) slow(n float64) error {
	if !(n >= 1 && n <= 1e6) {
		return fmt.Errorf("clocks that run %g times slower; give 1 to 1,000,000", n)
	}
	since := node.Now()
	for i := range p.configs {
		p.configs[i].SlowClock(n, since)
	}
	return nil
}

func (p *cluster) start(ctx context.Context) ([]*node.Leader, error) {
	var all []*node.Leader
	for i, cfg := range p.configs {
		if i > 0 {
			cfg.Join = []string{all[0].Addrs().Gossip}
		}
		l, err := node.Start(ctx, cfg)
		if err != nil {
			return nil, errors.Join(err, stop(all...))
		}
		all = append(all, l)
		if err := p.impair(l); err != nil {
			return nil, errors.Join(err, stop(all...))
		}
	}
	return all, nil
}

// impair makes the links of a leader as bad as they are to be.
func (p *cluster) impair(l *node.Leader) error {
	for _, other := range p.configs {
		if other.Name == l.Name() {
			continue
		}
		if err := l.Impair(other.Name, p.link); err != nil {
			return err
		}
	}
	return nil
}

// again starts a leader once more, where it was. Faults that were planted since the first start are
// gone.
func (p *cluster) again(ctx context.Context, l *node.Leader) (*node.Leader, error) {
	cfg := l.Again()
	if err := stop(l); err != nil {
		return nil, err
	}
	next, err := node.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return next, p.impair(next)
}

// meetWithin is how long leaders of one process may take to find each other.
const meetWithin = 10 * time.Second

// awaitAll waits until everybody has met everybody and serves.
func awaitAll(ctx context.Context, all []*node.Leader) error {
	ctx, cancel := context.WithTimeout(ctx, meetWithin)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, l := range all {
		for l.Met() < len(all)-1 || !l.Serving() {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return cliutil.Fail("the leaders did not meet", fmt.Errorf("%s has met %d of %d: %w", l.Name(), l.Met(), len(all)-1, ctx.Err()), "--log-level info says more")
			}
		}
	}
	return nil
}

// introduce says where everybody is and what to try, in the context of that name.
func introduce(w io.Writer, all []*node.Leader, name string, withLoad bool) {
	fmt.Fprintf(w, "%d leaders in one process; Ctrl-C stops them\n", len(all))
	for _, l := range all {
		a := l.Addrs()
		fmt.Fprintf(w, "  %-4s redis %s   http://%s\n", l.Name(), a.RESP, a.HTTP)
	}
	fmt.Fprintf(w, "\nThe console, in a browser:\n  http://%s/\n", all[0].Addrs().HTTP)
	if withLoad {
		fmt.Fprintln(w, "A sample load is running; the console has sliders for it, for clocks, delays and cuts.")
	}
	last := all[len(all)-1]
	kv := "kv"
	if name != devContext {
		kv += " -c " + name
	}
	fmt.Fprintf(w, "\nTry, in another shell:\n  %[1]s set greeting hello\n  %[1]s get greeting -n %[2]s\n  redis-cli -p %[3]s INFO kvd\n", kv, last.Name(), port(all[0].Addrs().RESP))
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
