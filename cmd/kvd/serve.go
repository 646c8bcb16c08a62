package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve as one leader",
		Description: "A first interrupt or SIGTERM drains: no new clients, then what only this leader has\n" +
			"goes to the others. The last line says how many acknowledged writes no other leader\n" +
			"is known to have. A second signal ends at once.\n\n" +
			"SIGHUP reads users, certificates and the log level again; a failure is logged, and what\n" +
			"was read before stays. The end of the terminal that kvd was begun at drains, as an\n" +
			"interrupt does; nohup and disown keep it serving.\n\n" +
			"Memory: --cache-bytes and a quarter more, 192 MiB of memtables, --client-memory, and\n" +
			"256 MiB for its own work are what the garbage collector keeps to where it can;\n" +
			"GOMEMLIMIT in the environment overrides that.",
		Flags: flags(table()), Action: serve,
	}
}

func serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return cliutil.Usage("kvd serve takes flags only", "read: "+c.Args().First(), "kvd serve --help")
	}
	r := running{c: c}
	var err error
	if r.all, err = gather(c, ""); err == nil {
		r.cfg, err = configured(r.all, c.App.ErrWriter)
	}
	if err != nil {
		return err
	}
	r.cfg.Renewable = true
	limitMemory(&r.cfg.Config)
	ctx, reloads, stopWatching := hangups(c.Context, true)
	defer stopWatching()
	for again := r.cfg.Config; ; {
		l, err := begin(ctx, again)
		if err != nil {
			return err
		}
		next, err := r.attend(ctx, c.App.ErrWriter, l, reloads)
		if next == nil {
			return err
		}
		again = *next
	}
}

// attend serves until the leader is to stop, or cannot go on: then it says with which
// configuration it is to begin again, if it is.
func (r *running) attend(ctx context.Context, w io.Writer, l *node.Leader, reloads <-chan struct{}) (again *node.Config, err error) {
	for {
		select {
		case <-ctx.Done():
			return nil, drain(w, r.cfg.drain, l)
		case <-reloads:
			r.reload(l)
		case err := <-l.Broken():
			next := l.Again()
			stopErr := stop(l)
			if errors.Is(err, node.ErrRenew) && stopErr == nil {
				return &next, nil
			}
			return nil, cliutil.Fail(l.Name()+" cannot go on", errors.Join(err, stopErr), "what was acknowledged is on disk; mend the cause and start again")
		}
	}
}

// begin starts the leader and says where it serves.
func begin(ctx context.Context, cfg node.Config) (*node.Leader, error) {
	l, err := node.Start(ctx, cfg)
	if err != nil {
		return nil, cliutil.Fail("cannot serve", err, "kvd config print --origin says what was asked for, and by whom")
	}
	origin, resumed := l.Origin()
	a := l.Addrs()
	cfg.Logger.Info("serving", "leader", l.Name(), "resp", a.RESP, "http", a.HTTP, "peer", a.Peer, "gossip", a.Gossip,
		"origin", origin.String(), "resumed", resumed, "policy", cfg.Policy.String())
	return l, nil
}

// drain takes leaders down together: none leaves before all have given the
// others what only they have.
func drain(w io.Writer, timeout time.Duration, all ...*node.Leader) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var unshared atomic.Int64
	err := errors.Join(atOnce(all, func(l *node.Leader) error {
		n, err := l.Quiesce(ctx)
		unshared.Add(int64(n))
		return err
	}), stop(all...))
	fmt.Fprintf(w, "kvd: stopped; acknowledged writes that no other leader is known to have: %d\n", unshared.Load())
	if err != nil {
		return &cliutil.Problem{What: "stopped, though not in order", Why: err.Error(), Next: "the next start takes a new origin; what was acknowledged is on disk", Code: cliutil.Failed, Stopping: true}
	}
	return nil
}

// stopWithin is how long leaders may take to tell the others that they go.
const stopWithin = 5 * time.Second

// stop ends leaders at the same time.
func stop(all ...*node.Leader) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return atOnce(all, func(l *node.Leader) error { return l.Stop(ctx) })
}

// atOnce does it to all leaders at the same time.
func atOnce(all []*node.Leader, do func(*node.Leader) error) error {
	errs := make([]error, len(all))
	var done sync.WaitGroup
	for i, l := range all {
		done.Go(func() { errs[i] = do(l) })
	}
	done.Wait()
	return errors.Join(errs...)
}
