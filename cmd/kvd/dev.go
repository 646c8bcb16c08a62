package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/leader"
	"kvd/replica"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/resolve"
	"kvd/wallclock"
)

const maxDevLeaders = 16

func devCommand() *cli.Command {
	return &cli.Command{
		Name: "dev", Usage: "a whole cluster in one process, on this machine alone",
		Description: "Every leader has real sockets on loopback; data is in memory unless --data-dir is\n" +
			"given. Clocks and links can be made worse, here and later with KVD.FAULT.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "leaders", Value: 3, Usage: "`N` of them, called n1, n2 and so on"},
			&cli.StringFlag{Name: "resolver", Value: resolve.Causal.String(), Usage: "serve keys by `NAME`: " + strings.Join(resolve.Names(), ", ")},
			&cli.StringSliceFlag{Name: "policy", Usage: "serve keys that begin with a prefix otherwise: `PREFIX=RESOLVER` (repeatable)"},
			&cli.StringFlag{Name: "shadow", Value: "all", Usage: "resolvers that only watch and record what they would have lost: all, none or a `LIST`"},
			&cli.StringSliceFlag{Name: "skew", Usage: "let a leader's clock be wrong, as in n2=+250ms: `LEADER=DURATION` (repeatable)"},
			&cli.StringSliceFlag{Name: "drift", Usage: "let a leader's clock run fast, in parts per million: `LEADER=PPM` (repeatable)"},
			&cli.Float64Flag{Name: "slow", Value: 1, Usage: "let all clocks run `N` times slower than time, so that hands are quick enough for milliseconds"},
			&cli.DurationFlag{Name: "latency", Usage: "hold every message between leaders for `DURATION`"},
			&cli.DurationFlag{Name: "jitter", Usage: "and up to `DURATION` more"},
			&cli.Float64Flag{Name: "loss", Usage: "lose a message with `PROBABILITY`"},
			&cli.DurationFlag{Name: "clock-error", Value: 10 * time.Millisecond, Usage: "what every clock claims for its error: `DURATION`"},
			&cli.IntFlag{Name: "resp-port", Value: 7381, EnvVars: []string{"KVD_RESP_PORT"}, Usage: "n1 listens at `PORT`, n2 at the next, and so on; 0: any free ones"},
			&cli.StringFlag{Name: "data-dir", Usage: "keep data below `DIR` instead of in memory"},
			&cli.StringFlag{Name: "log-level", Value: "error", Usage: "debug, info, warn or error: `LEVEL`"},
			&cli.DurationFlag{Name: "drain-timeout", Value: 3 * time.Second, Usage: "when stopping, wait at most `DURATION` for the leaders to agree"},
		},
		Action: dev,
	}
}

// cluster is what dev is told.
type cluster struct {
	configs []leader.Config
	link    link.LinkFault
	drain   time.Duration
}

func dev(c *cli.Context) error {
	plan, err := planCluster(c)
	if err != nil {
		return cliutil.Usage("this cluster cannot be", err.Error(), "kvd dev --help says what it takes")
	}
	all, err := plan.start(c.Context)
	if err != nil {
		return cliutil.Fail("cannot start the cluster", err, "another one may be running: --resp-port 0 takes free ports")
	}
	if err := settle(c.Context, all); err != nil {
		return errors.Join(err, stop(all...))
	}
	forget := remember(c.App.ErrWriter, all)
	defer forget()
	introduce(c.App.Writer, all)
	broken := make(chan error, len(all))
	for _, l := range all {
		go func() {
			select {
			case err := <-l.Broken():
				broken <- fmt.Errorf("%s: %w", l.Name(), err)
			case <-c.Context.Done():
			}
		}()
	}
	select {
	case <-c.Context.Done():
		return drain(c.App.ErrWriter, plan.drain, all...)
	case err := <-broken:
		return cliutil.Fail("the cluster cannot go on", errors.Join(err, stop(all...)), "")
	}
}

// planCluster reads the flags.
func planCluster(c *cli.Context) (*cluster, error) {
	n := c.Int("leaders")
	if n < 1 || n > maxDevLeaders {
		return nil, fmt.Errorf("%d leaders; give 1 to %d", n, maxDevLeaders)
	}
	p := &cluster{drain: c.Duration("drain-timeout")}
	p.link = link.LinkFault{Delay: c.Duration("latency"), Jitter: c.Duration("jitter"), Loss: c.Float64("loss")}
	rules, err := devRules(c)
	if err != nil {
		return nil, err
	}
	for i := range n {
		cfg, err := devLeader(c, i, rules)
		if err != nil {
			return nil, err
		}
		p.configs = append(p.configs, cfg)
	}
	return p, errors.Join(p.link.Validate(), p.skew(c.StringSlice("skew")), p.drift(c.StringSlice("drift")), p.slow(c.Float64("slow")))
}

// devRules reads the policy with serve's own words.
func devRules(c *cli.Context) (resolve.Policy, error) {
	var s serving
	err := errors.Join(applyResolver(&s, []string{c.String("resolver")}), applyPolicy(&s, c.StringSlice("policy")), applyShadow(&s, []string{c.String("shadow")}))
	return s.Policy, err
}

func devLeader(c *cli.Context, i int, rules resolve.Policy) (leader.Config, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return leader.Config{}, err
	}
	cfg := leader.Defaults()
	cfg.Name, cfg.Cluster, cfg.Version = fmt.Sprintf("n%d", i+1), "dev", version()
	cfg.Addrs = leader.Addrs{RESP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Peer: "127.0.0.1:0", Gossip: "127.0.0.1:0"}
	if port := c.Int("resp-port"); port != 0 {
		cfg.Addrs.RESP = net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i))
	}
	cfg.Policy, cfg.ClockError, cfg.Profile = rules, c.Duration("clock-error"), member.Local
	cfg.Storage.Cache = 16 << 20
	cfg.Dir, cfg.UnsafeFaults = cfg.Name, true
	cfg.Logger = logger(c.App.ErrWriter, level, false)
	if dir := c.String("data-dir"); dir != "" {
		cfg.Dir = filepath.Join(dir, cfg.Name)
	} else {
		cfg.FS = vfs.NewMem()
	}
	return cfg, nil
}

// each finds the leaders that LEADER=VALUE pairs name.
func (p *cluster) each(pairs []string, apply func(*wallclock.Faults, string) error) error {
	for _, pair := range pairs {
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

func (p *cluster) skew(pairs []string) error {
	return p.each(pairs, func(f *wallclock.Faults, value string) (err error) {
		f.Offset, err = time.ParseDuration(value)
		return err
	})
}

func (p *cluster) drift(pairs []string) error {
	return p.each(pairs, func(f *wallclock.Faults, value string) (err error) {
		f.Drift, err = strconv.ParseFloat(value, 64)
		return err
	})
}

// slow lets all clocks run n times slower, from the same moment on: those of one
// process would otherwise be apart by as long as it takes to start them.
func (p *cluster) slow(n float64) error {
	if !(n >= 1 && n <= 1e6) {
		return fmt.Errorf("clocks that run %g times slower; give 1 to 1,000,000", n)
	}
	since := wallclock.NewSystem(0).Now().Wall.Midpoint()
	for i := range p.configs {
		const million = 1e6
		f := &p.configs[i].Clock
		f.Drift = (million+f.Drift)/n - million
		p.configs[i].ClockSince = since
	}
	return nil
}

// start begins every leader; the others join the first.
func (p *cluster) start(ctx context.Context) ([]*leader.Leader, error) {
	var all []*leader.Leader
	for i, cfg := range p.configs {
		if i > 0 {
			cfg.Join = []string{all[0].Addrs().Gossip}
		}
		l, err := leader.Start(ctx, cfg)
		if err != nil {
			return nil, errors.Join(err, stop(all...))
		}
		all = append(all, l)
		for _, other := range p.configs {
			if other.Name == cfg.Name {
				continue
			}
			if err := l.Faults().Set(replica.Leader(other.Name), p.link); err != nil {
				return nil, errors.Join(err, stop(all...))
			}
		}
	}
	return all, nil
}

// meetWithin is how long leaders of one process may take to find each other.
const meetWithin = 10 * time.Second

// settle waits until everybody has met everybody.
func settle(ctx context.Context, all []*leader.Leader) error {
	ctx, cancel := context.WithTimeout(ctx, meetWithin)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for _, l := range all {
		for l.Met() < len(all)-1 {
			select {
			case <-look.C:
			case <-ctx.Done():
				return cliutil.Fail("the leaders did not meet", fmt.Errorf("%s has met %d of %d: %w", l.Name(), l.Met(), len(all)-1, ctx.Err()), "--log-level info says more")
			}
		}
	}
	return nil
}

// introduce says where everybody is and what to try.
func introduce(w io.Writer, all []*leader.Leader) {
	fmt.Fprintf(w, "%d leaders in one process; Ctrl-C stops them\n", len(all))
	for _, l := range all {
		a := l.Addrs()
		fmt.Fprintf(w, "  %-4s redis %s   http://%s\n", l.Name(), a.RESP, a.HTTP)
	}
	last := all[len(all)-1]
	fmt.Fprintf(w, "\nTry, in another shell:\n  kv set greeting hello\n  kv get greeting -n %s\n  redis-cli -p %s INFO kvd\n", last.Name(), port(all[0].Addrs().RESP))
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
