package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
	"kvd/replica/client/study"
)

func lossesSpec() invoke.Spec {
	return invoke.Spec{Name: "losses", Usage: "print acknowledged writes that a resolver threw away unseen", Least: 0, Most: 0, Do: on(losses),
		About: `Each is printed once, with the leaders that hold it in their ledgers: by key and dot.
The resolver is the one that serves the key, or --resolver. --since 10m goes by each
leader's own clock, which it is asked for first; it may also be a time such as
2006-01-02T15:04:05Z.

--follow goes on with what is lost from now on, as leaders tell it, and with losses
that are retracted because a survivor turns out to have seen the write. A leader that
goes away is waited for, and asked for what was missed. Ctrl-C ends it. --limit then
counts what is there at first.
` + invoke.AboutAsking + `

Examples:
   kv losses --prefix cart: --since 10m
   kv losses --relation inverted -o table        a clock is wrong where there are any
   kv losses --resolver lww -o jsonl             what lww would have lost, as a shadow
   kv losses --follow -o jsonl | head -1         until the first one`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
			&cli.StringFlag{Name: "since", Usage: "only what was decided after `WHEN`: a duration back, or RFC 3339"},
			&cli.StringFlag{Name: "relation", Usage: "only those that are inverted, or concurrent: `WHICH`"},
			&cli.StringFlag{Name: "resolver", Usage: "what `NAME` has lost, or would have as a shadow: a resolver, or all"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most `N`; 0: all there are"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what is lost from now on"}, invoke.OnlyFlag(), invoke.MissingFlag(),
		}}
}

// wants reads the flags.
func (k *call) wants() (answers.LossQuery, error) {
	w := answers.LossQuery{Prefix: k.String("prefix"), Relation: k.String("relation"), Resolver: k.String("resolver"), Limit: k.Int("limit")}
	if w.Relation != "" {
		if err := cliutil.OneOf(w.Relation, answers.Relations()...); err != nil {
			return w, cliutil.Usage(fmt.Sprintf("unknown relation %q", w.Relation), "of a lost write, "+err.Error(), "kv losses --relation inverted")
		}
	}
	if w.Resolver != "" && w.Resolver != "all" {
		if err := cliutil.Meant(answers.CheckResolver(w.Resolver), w.Resolver, study.Resolvers()); err != nil {
			return w, cliutil.Usage(fmt.Sprintf("unknown resolver %q", w.Resolver), err.Error(), "kv losses --resolver all")
		}
	}
	if w.Limit < 0 {
		return w, cliutil.Usage("--limit cannot be below zero", "it counts losses", "kv losses --limit 0  prints all")
	}
	var err error
	w.Back, w.Since, err = readSince(k.String("since"))
	return w, err
}

// readSince reads a duration back, or a time in nanoseconds of Unix time.
func readSince(text string) (back time.Duration, since int64, err error) {
	if text == "" {
		return 0, 0, nil
	}
	if back, err := time.ParseDuration(text); err == nil && back > 0 {
		return back, 0, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, 0, cliutil.Usage(fmt.Sprintf("--since %q says no time", text), "it takes a duration above zero, or a time as RFC 3339 has it", "kv losses --since 10m, or --since 2006-01-02T15:04:05Z")
	}
	return 0, at.UnixNano(), nil
}

func losses(k *call) error {
	w, err := k.wants()
	if err != nil {
		return err
	}
	if k.Bool("follow") {
		return k.follow(w)
	}
	said, missing, err := invoke.Asking(k.Call, func(l *client.Leader) (answers.Listing, error) { return w.To(k.Ctx(), l) }, func(g answers.Listing) string { return g.Name })
	if err != nil {
		return err
	}
	list := answers.MergeLosses(said, missing, w)
	if err := k.putLosses(list); err != nil {
		return err
	}
	k.sayLosses(list, said, w)
	return k.Verdict(invoke.Ending{Differs: show.ShownAll(list.Differs), Missing: missing})
}

// putLosses prints them: as JSON all in one object, else one after another.
func (k *call) putLosses(list answers.LossList) error {
	if k.Out.Name == "json" {
		return k.Out.Put(show.Losses(list))
	}
	err := putList(k, list.Losses, show.Loss)
	if err == nil && k.Out.Name == "jsonl" && len(list.Missing)+len(list.Differs) > 0 {
		err = k.Out.Put(show.AboutLosses(list))
	}
	return err
}

func (k *call) sayLosses(list answers.LossList, said []answers.Listing, w answers.LossQuery) {
	if w.Back > 0 {
		k.Say("since " + w.Back.String() + " ago, by each leader's own clock")
	}
	if list.More {
		k.Say("there are more; --limit 0 prints all")
	}
	if len(list.Losses) == 0 && !list.More {
		under, unless := "", ""
		if w.Resolver != "" && w.Resolver != "all" {
			under, unless = " under "+w.Resolver, "; they record those of resolvers that serve, or watch (kvd serve --shadow)"
		}
		k.Say("no losses" + under + ", at " + show.Series(show.ShownAll(answers.Respondents(said))) + unless)
	}
	k.sayEvicted(said)
}

// sayEvicted says who gave up how much, in one line for leaders that gave up as much.
func (k *call) sayEvicted(said []answers.Listing) {
	for i, g := range said {
		as := func(o answers.Listing) bool { return o.Evicted == g.Evicted }
		if g.Evicted == 0 || slices.ContainsFunc(said[:i], as) {
			continue
		}
		equals := slices.DeleteFunc(slices.Clone(said), func(o answers.Listing) bool { return !as(o) })
		has := " has given up "
		if len(equals) > 1 {
			has = " have each given up "
		}
		k.Say(show.Series(show.ShownAll(answers.Respondents(equals))) + has + show.Count(int(g.Evicted), "row") + " of the ledger, the oldest; kv audit counts them")
	}
}
