package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
	"kvd/replica/client/study"
)

func ledgerSpecs() []invoke.Spec {
	return []invoke.Spec{
		lossesSpec(),
		{Name: "why", Usage: "print why a key shows what it shows, and what was lost on the way", Args: "KEY", Least: 1, Most: 1, Do: on(why),
			About: "The explanation is that of the leader which has applied most; whoever explains it\notherwise is named below it.\n" + invoke.AboutAsking + invoke.OrNothing("the key shows nothing, and nothing of it is lost") +
				"\n\nExamples:\n   kv why cart\n   kv why cart --tree            the same as a tree of writes, with their dots\n   kv why cart --only -n n3      as n3 alone sees it",
			Flags: []cli.Flag{&cli.BoolFlag{Name: "tree", Usage: "print a tree of writes and their dots"}, invoke.OnlyFlag(), invoke.MissingFlag()}},
		fateSpec(), restoreSpec(), auditSpec(), adviseSpec(),
	}
}

// fewLosses is how many kv why tells of one by one at least.
const fewLosses = 4

func why(k *call) error {
	key := k.Args().First()
	if key == "" {
		return cliutil.Usage("no key is empty", "the argument is", "kv why KEY")
	}
	said, missing, err := k.AskAll("KVD.WHY", key)
	if err != nil {
		return err
	}
	w := answers.WhysOf(key, said, missing)
	if err := k.Out.Put(show.Whys(w, k.Bool("tree"))); err != nil {
		return err
	}
	if w.Told().Lost() > fewLosses && k.Out.Name == "text" {
		k.Say("kv losses --prefix " + show.Printable(key) + " --resolver all lists every one of the " + show.Count(int(w.Told().Lost()), "lost write"))
	}
	end := invoke.Ending{Missing: missing}
	if _, end.Differs = show.WhyLines(w); len(w.Told().Values) == 0 && w.Told().Lost() == 0 {
		end.Nothing, end.Next = "the key shows nothing, and nothing of it is lost", invoke.WhereKeysAre
	}
	return k.Verdict(end)
}

func fateSpec() invoke.Spec {
	return invoke.Spec{Name: "fate", Usage: "print what became of one write, under every resolver", Args: "DOT", Least: 1, Most: 1, Do: on(fate),
		About: "A dot names a write: kv set --dot, kv losses, kv history and kv why --tree print them.\n" + invoke.AboutAsking + invoke.OrNothing("no leader knows the write") +
			"\n\nExamples:\n   kv set x 1 --dot -o raw                    prints the dot alone\n   kv fate 00c0ffee00c0ffee-17 -o table       a row for each resolver, and who says so",
		Flags: []cli.Flag{invoke.OnlyFlag(), invoke.MissingFlag()}}
}

// dotArg is the first argument, which names a write.
func (k *call) dotArg() (string, error) {
	text := k.Args().First()
	if !answers.IsDot(text) {
		return "", cliutil.Usage(fmt.Sprintf("%q is no dot", show.Brief(text)), "a dot is sixteen hexadecimal digits, a dash and a number above zero, as in 00c0ffee00c0ffee-17",
			whereDotsAre)
	}
	return text, nil
}

const whereDotsAre = "kv losses, kv history KEY and kv set --dot print dots"

func fate(k *call) error {
	dot, err := k.dotArg()
	if err != nil {
		return err
	}
	said, missing, err := k.AskAll("KVD.FATE", dot)
	if err != nil {
		return err
	}
	f := answers.FatesOf(dot, said, missing)
	if err := k.Out.Put(show.Fates(f)); err != nil {
		return err
	}
	end := invoke.Ending{Missing: missing}
	if _, end.Differs = show.FateLines(f); !f.Known() {
		end.Nothing, end.Next = "no leader that answered can tell what became of it", whereDotsAre
	}
	if f.Known() && k.Out.Name == "text" && answers.IsLost(f.Serving()) {
		k.Say("kv restore " + dot + " writes the lost value again")
	}
	return k.Verdict(end)
}

func auditSpec() invoke.Spec {
	return invoke.Spec{Name: "audit", Usage: "hold every accepted write against what is live, superseded and lost", Least: 0, Most: 0, Do: on(audit),
		About: "Each leader counts its log, its objects and its ledger, by resolver; the sums must come\nout (4 if not). Lost ones are inverted or concurrent; evicted ones the ledger has given up.\nThe rest must be 0: none and two count writes that are in no place, or in two; beyond\nwhat a log no longer has. Settled are writes whose dots were given twice, by a leader and\nits copy, and are settled: they are counted nowhere else. " + invoke.AboutScans + "\n" + invoke.AboutAsking +
			"\n\nExamples:\n   kv audit\n   kv audit --prefix user: -o table     a row for each leader and resolver\n   kv audit --sample 100                one key in a hundred, the same ones everywhere",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
			&cli.Uint64Flag{Name: "sample", Usage: "only one key in `N`, chosen by a hash"}, invoke.OnlyFlag(), invoke.MissingFlag(),
		}}
}

func audit(k *call) error {
	words := []string{"KVD.AUDIT"}
	if prefix := k.String("prefix"); prefix != "" {
		words = append(words, "PREFIX", prefix)
	}
	if n := k.Uint64("sample"); n > 0 {
		words = append(words, "SAMPLE", strconv.FormatUint(n, 10))
	}
	said, missing, err := k.ScanAll(words...)
	if err != nil {
		return err
	}
	all, err := answers.AuditsOf(said, missing)
	if err != nil {
		return cliutil.Fail(k.Subject(), err, "a newer kv may know it")
	}
	if leaders, err := k.Everyone(); err == nil {
		all.Differs = append(all.Differs, k.troubles(leaders)...)
	}
	if err := k.Out.Put(show.Audits(all)); err != nil {
		return err
	}
	err = k.Verdict(invoke.Ending{Differs: show.ShownAll(all.Differs), Missing: missing})
	if p := new(cliutil.Problem); len(all.Differs) > 0 && errors.As(err, &p) {
		p.What, p.Next = k.Subject()+": it does not add up", "kv audit -o json names the first writes that are in none or in two; kv fate DOT asks every leader about one"
	}
	return err
}

func adviseSpec() invoke.Spec {
	return invoke.Spec{Name: "advise", Usage: "print which resolver would have lost less, by prefix", Args: "[PREFIX]...", Least: 0, Most: -1, Do: on(advise),
		About: "Without prefixes, those of the policy and all other keys. Advice rests on the ledger and\nthe log as they are; " + invoke.AboutScans + "\n" + invoke.AboutAsking +
			"\n\nExamples:\n   kv advise\n   kv advise user: cart:",
		Flags: []cli.Flag{invoke.OnlyFlag(), invoke.MissingFlag()}}
}

func advise(k *call) error {
	words := []string{"KVD.ADVISE"}
	for _, prefix := range k.Args().Slice() {
		words = append(words, "PREFIX", prefix)
	}
	said, missing, err := k.ScanAll(words...)
	if err != nil {
		return err
	}
	all := answers.AdviceOf(said)
	differs := show.ObjectionLines(answers.Objections(said, all))
	if k.Out.Name == "json" {
		err = k.Out.Put(show.AllAdvice(all, differs, missing))
	} else {
		err = show.PutList(k.Out, all, show.Advice)
	}
	if err != nil {
		return err
	}
	if len(all) == 0 {
		k.Say("there is nothing to advise: as far as the ledgers tell, what serves now has lost nothing that another would not have lost")
	}
	return k.Verdict(invoke.Ending{Differs: differs, Missing: missing})
}

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
	err := show.PutList(k.Out, list.Losses, show.Loss)
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
		k.Say("no losses" + under + ", at " + cliutil.Series(show.ShownAll(answers.Respondents(said))) + unless)
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
		k.Say(cliutil.Series(show.ShownAll(answers.Respondents(equals))) + has + show.Count(int(g.Evicted), "row") + " of the ledger, the oldest; kv audit counts them")
	}
}
