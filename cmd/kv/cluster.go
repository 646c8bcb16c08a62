package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/admin"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

func clusterSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "compare", Usage: "print where leaders show different values", Args: "KEY", Least: 0, Most: 1, Do: on(compare),
			About: "Only keys that differ are printed, unless --all is given; the exit code is 4 if any does.\nLeaders are asked one after another, so under writes a difference may be one of time.\nA leader that cannot be asked is a failure; --missing-ok compares the others.",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "prefix", Usage: "compare all keys that begin with `TEXT`, instead of one"},
				&cli.BoolFlag{Name: "all", Usage: "print keys that are the same as well"}, invoke.MissingFlag(),
			}},
		{Name: "wait", Usage: "wait until leaders have caught up", Least: 0, Most: 0, Do: on(wait),
			About: "With --converged, until all leaders have applied the same. With --token or --session,\nuntil one leader has what was seen. --timeout says how long, " + invoke.WaitTime.String() + " if it is not given.\n\nA leader that takes no connections is not waited for once the others agree: they are\nanswered for, with exit code 5, or 0 with --missing-ok. kv admin forget NODE lets nobody\nask for a dead one.",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "converged", Usage: "until all leaders have applied the same"},
				&cli.StringFlag{Name: "token", Usage: "until the leader has what `TOKEN` has seen"},
				sessionFlag(), everyFlag(), invoke.MissingFlag(),
			}},
		statusSpec(),
		{Name: "members", Usage: "print the leaders of the cluster", Least: 0, Most: 0, Do: invoke.At(admin.Members)},
		{Name: "ping", Usage: "print how long a leader takes to answer", Least: 0, Most: 0, Do: at(ping)},
		{Name: "raw", Usage: "send any command as it stands, and print the reply", Args: "COMMAND [ARGUMENT]...", Least: 1, Most: -1, Do: at(rawCommand),
			About: "What begins with a minus and is no number belongs behind --, as in\nkv raw -- set k -x"},
	}
}

func ping(k *call, l *client.Leader) error {
	if _, err := l.Do(k.Ctx(), "PING"); err != nil { // connecting is not what is measured
		return err
	}
	began := time.Now()
	r, err := l.Do(k.Ctx(), "PING")
	if err != nil {
		return err
	}
	took := time.Since(began)
	if r.Text != "PONG" {
		return client.NewRefusal(l, "PING", errors.New("the answer is not PONG"))
	}
	return k.Out.Put(show.Facts(fmt.Sprintf("PONG from %s in %s", l, took.Round(time.Microsecond)), "PONG",
		show.WordFact("leader", l.Name), show.WordFact("addr", l.Addr), show.NumberFact("round_trip_us", took.Microseconds())))
}

func rawCommand(k *call, l *client.Leader) error {
	r, err := l.Do(k.Ctx(), k.Args().Slice()...)
	if err != nil {
		return err
	}
	return k.Out.Put(show.Reply(r))
}

const batchKeys = 256

func compare(k *call) error {
	if (k.NArg() == 1) == k.IsSet("prefix") {
		return cliutil.Usage("kv compare takes a key, or --prefix", fmt.Sprintf("%d keys are named, and --prefix is %q", k.NArg(), k.String("prefix")), "kv compare --prefix ''  compares everything")
	}
	leaders, err := k.Several()
	if err == nil && k.Bool("missing-ok") {
		leaders, err = k.Present(leaders)
	}
	if err != nil {
		return err
	}
	k.Out.List()
	var t compared
	if k.NArg() == 1 {
		err = t.compare(k, leaders, k.Args().Slice())
	} else {
		err = t.walk(k, leaders)
	}
	if err != nil {
		return err
	}
	k.Say(fmt.Sprintf("%s compared at %d leaders, %d different", show.Count(t.keys, "key"), len(leaders), t.different))
	if t.different > 0 {
		return &cliutil.Problem{What: k.Subject() + ": leaders differ", Why: show.Count(t.different, "key") + " of " + fmt.Sprint(t.keys) + " shown differently",
			Next: "kv wait --converged waits for what is on its way; then compare again", Code: cliutil.Differs}
	}
	return k.inOrder(leaders)
}

type compared struct{ keys, different int }

// compare asks every leader for the keys, and prints what there is to print.
func (t *compared) compare(k *call, leaders []*client.Leader, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	all, err := client.Compare(k.Ctx(), leaders, keys)
	if err != nil {
		return err
	}
	for _, c := range all {
		t.keys++
		if c.Same() && !k.Bool("all") {
			continue
		}
		if !c.Same() {
			t.different++
		}
		if err := k.Out.Put(show.Comparison(c)); err != nil {
			return err
		}
	}
	return nil
}

// walk compares all keys of the prefix that any leader has, some at a time.
func (t *compared) walk(k *call, leaders []*client.Leader) error {
	var keys []string
	for key, err := range client.MergedKeys(k.Ctx(), leaders, client.Glob(k.String("prefix"))+"*") {
		if err != nil {
			return err
		}
		if keys = append(keys, key); len(keys) < batchKeys {
			continue
		}
		if err := t.compare(k, leaders, keys); err != nil {
			return err
		}
		keys = keys[:0]
	}
	return t.compare(k, leaders, keys)
}

func wait(k *call) error {
	limit := invoke.WaitTime
	if k.IsSet("timeout") {
		limit = k.Timeout
	}
	token := k.String("token")
	ways := 0
	for _, given := range []bool{k.Bool("converged"), token != "", k.Session.On()} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return cliutil.Usage("kv wait needs to know for what", "one of --converged, --token and --session says it", "kv wait --converged")
	}
	if k.Bool("converged") {
		return k.converge(limit)
	}
	if k.Session.On() {
		token = k.Session.SeenToken()
	}
	l, err := k.Leader()
	if err == nil && token != "" {
		err = l.WaitFor(k.Ctx(), token, limit)
	}
	if err != nil {
		return err
	}
	return k.Out.Put(done(show.WordFact("leader", l.Name)))
}

// converge waits until all leaders have applied the same. Those that take no connections
// are not waited for once the others agree.
func (k *call) converge(limit time.Duration) error {
	every, err := k.every()
	if err != nil {
		return err
	}
	leaders, err := k.Several()
	if err != nil {
		return err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(k.Ctx(), limit)
	defer cancel()
	last, ok, err := client.Converge(ctx, leaders, every, func(a *client.Agreement) bool {
		return a.Agree() && (len(a.Missing) == 0 || k.Bool("missing-ok") || a.Gone)
	})
	if err != nil {
		return err
	}
	if err := k.inOrder(last.There); err != nil {
		return err
	}
	k.SayForgotten(last.Forgotten)
	if !ok {
		return errors.Join(k.Ctx().Err(), &cliutil.Problem{What: "wait: leaders have not converged within " + limit.String(), Why: strings.Join(show.AgreementLines(last), "; "),
			Next: "kv compare --prefix '' shows where they differ; a longer --timeout waits on, --missing-ok for those that are there", Code: cliutil.Unreachable})
	}
	missing := k.Accepted(last.Missing)
	if err := k.Out.Put(converged(len(last.There), time.Since(began))); err != nil || len(missing) == 0 {
		return err
	}
	return k.Verdict(invoke.Ending{Missing: missing})
}

func converged(n int, took time.Duration) show.Record {
	verb := "leaders have"
	if n == 1 {
		verb = "leader has"
	}
	return show.Facts(fmt.Sprintf("%d %s applied the same, after %s", n, verb, took.Round(time.Millisecond)), "OK",
		show.TruthFact("converged", true), show.NumberFact("leaders", int64(n)), show.NumberFact("after_ms", took.Milliseconds()))
}

// troubles says where leaders have one origin, or dots two contents. A leader that
// cannot say is passed over: others say what is wrong with it.
func (k *call) troubles(leaders []*client.Leader) (all []string) {
	for _, l := range leaders {
		if p, err := answers.Conflicts(k.Ctx(), l, true); err == nil {
			all = append(all, show.IdentityTroubles(p)...)
		}
	}
	return all
}

// inOrder is the failure of a command that found everything in order but that one origin
// is two leaders'.
func (k *call) inOrder(leaders []*client.Leader) error {
	troubles := k.troubles(leaders)
	if len(troubles) == 0 {
		return nil
	}
	return &cliutil.Problem{What: k.Subject() + ": one origin is two leaders'", Why: strings.Join(troubles, "\n      "),
		Next: "kv admin new-origin -n NAME gives one of them a new origin; kv admin conflicts names what both wrote, and kv admin accept settles it", Code: cliutil.Differs}
}
