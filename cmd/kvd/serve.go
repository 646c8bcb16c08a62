package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/leader"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve as one leader",
		Description: "A first interrupt or SIGTERM drains: no new clients, then what only this leader has\n" +
			"goes to the others. The last line says how many acknowledged writes no other leader\n" +
			"is known to have. A second signal ends at once.",
		Flags: flags(table()), Action: serve,
	}
}

func serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return cliutil.Usage("kvd serve takes flags only", "read: "+c.Args().First(), "kvd serve --help")
	}
	all, err := gather(c, "")
	if err != nil {
		return err
	}
	cfg, err := configured(all, c.App.ErrWriter)
	if err != nil {
		return err
	}
	l, err := leader.Start(c.Context, cfg.Config)
	if err != nil {
		return cliutil.Fail("cannot serve", err, "kvd config print --origin says what was asked for, and by whom")
	}
	origin, resumed := l.Life()
	a := l.Addrs()
	cfg.Logger.Info("serving", "leader", l.Name(), "resp", a.RESP, "http", a.HTTP, "peer", a.Peer, "gossip", a.Gossip,
		"origin", origin.String(), "resumed", resumed, "policy", cfg.Policy.String())
	select {
	case <-c.Context.Done():
		return drain(c.App.ErrWriter, cfg.drain, l)
	case err := <-l.Broken():
		stopErr := stop(l)
		return cliutil.Fail(l.Name()+" cannot go on", errors.Join(err, stopErr), "what was acknowledged is on disk; mend the cause and start again")
	}
}

// drain takes leaders down together: none leaves before all have given the
// others what only they have.
func drain(w io.Writer, patience time.Duration, all ...*leader.Leader) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	type outcome struct {
		unshared int
		err      error
	}
	results := make([]chan outcome, len(all))
	for i, l := range all {
		results[i] = make(chan outcome, 1)
		go func() {
			n, err := l.Quiesce(ctx)
			results[i] <- outcome{n, err}
		}()
	}
	unshared, errs := 0, []error{}
	for _, r := range results {
		o := <-r
		unshared += o.unshared
		errs = append(errs, o.err)
	}
	errs = append(errs, stop(all...))
	fmt.Fprintf(w, "kvd: stopped; acknowledged writes that no other leader is known to have: %d\n", unshared)
	if err := errors.Join(errs...); err != nil {
		return &cliutil.Problem{What: "stopped, though not in order", Why: err.Error(), Next: "the next start begins a new life; nothing acknowledged is lost"}
	}
	return nil
}

// stopWithin is how long leaders may take to tell the others that they go.
const stopWithin = 5 * time.Second

// stop ends leaders at the same time.
func stop(all ...*leader.Leader) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	done := make(chan error, len(all))
	for _, l := range all {
		go func() { done <- l.Stop(ctx) }()
	}
	var errs []error
	for range all {
		errs = append(errs, <-done)
	}
	return errors.Join(errs...)
}
