// Package policy is kv admin policy: under which policy each leader serves, whether all serve
// under the same, and how another one comes to all of them while they run.
//
// What it is not: it judges no rule. The leader that is asked does, and has the others look at
// their keys before anything is changed.
package policy

import (
	"cmp"
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

// Spec is the command.
func Spec() invoke.Spec {
	return invoke.Spec{Name: "policy", Usage: "print which policy each leader serves under, or change it at all of them", Args: "[show | set RULE... | unset PREFIX...]", Least: 0, Most: -1, Do: run,
		About: "A policy is the default and the rules of prefixes: *=RESOLVER, then \"PREFIX\"=RESOLVER, with\nacks=N, read=pick, commit-wait and doomed=WHAT where they are given.\n\n" +
			"   kv admin policy set cart/=siblings,read=pick n:=counter    rules of prefixes, new or instead\n" +
			"   kv admin policy unset cart/                                they are served by the default again\n" +
			"   kv admin policy set --default hlc                          what has no rule\n\n" +
			"All leaders look at their keys first. If one of them refuses or cannot be asked, nothing is\nchanged anywhere, and it is named. Then nobody takes writes for a moment, until all have the\n" +
			"same, and each begins again under the policy, in its process: clients connect again, and are\nanswered LOADING while objects are folded. What was acknowledged stays, losses stay in the\nledger, and what is shown stays or is beaten by what is shown.\n" +
			"Leaders remember it, and it counts more than the --resolver, --policy and --acks that they\nare started with. One that was away (--without) goes over to it when it returns, unless its\nown keys speak against that: then it says so, and is not linked until they do not." + invoke.AboutAsking,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "default", Usage: "set: serve keys that no rule is for by `RESOLVER`"},
			&cli.StringSliceFlag{Name: "without", Usage: "set, unset: do not ask the leader `NODE`, which is away (repeatable)"},
			&cli.BoolFlag{Name: "dry-run", Usage: "set, unset: only find out whether all leaders can go over to it"},
			invoke.OnlyFlag(), invoke.MissingFlag()}}
}

func run(k *invoke.Call) error {
	switch what, rest := k.Args().First(), k.Args().Tail(); what {
	case "", "list", "show":
		if len(rest) > 0 || k.IsSet("default") || k.IsSet("without") || k.IsSet("dry-run") {
			return cliutil.Usage("kv admin policy show takes nothing more", "read: "+show.Printable(strings.Join(k.Args().Slice(), " ")), "kv admin policy set RULE... changes it")
		}
		return list(k)
	case "set":
		return set(k, rest)
	case "unset":
		return unset(k, rest)
	default:
		return cliutil.Usage("kv admin policy shows, sets and unsets", "read: "+show.Printable(what), "kv admin policy show, kv admin policy set PREFIX=RESOLVER, kv admin policy unset PREFIX")
	}
}

func set(k *invoke.Call, texts []string) error {
	words := []string{"KVD.POLICYSET"}
	for _, text := range texts {
		prefix, resolver, options, ok := cliutil.CutRule(text)
		if !ok {
			return cliutil.Usage("a rule is PREFIX=RESOLVER", fmt.Sprintf("read: %s; a comma in a prefix is written \\,", show.Printable(text)), "kv admin policy set cart/=siblings,read=pick")
		}
		words = append(words, "SET", prefix, strings.Join(append([]string{resolver}, options...), ","))
	}
	if k.IsSet("default") {
		words = append(words, "DEFAULT", k.String("default"))
	}
	if len(words) == 1 {
		return cliutil.Usage("kv admin policy set needs a rule, or --default", "none is given", "kv admin policy set cart/=siblings,read=pick")
	}
	return change(k, words)
}

func unset(k *invoke.Call, prefixes []string) error {
	if len(prefixes) == 0 || k.IsSet("default") {
		return cliutil.Usage("kv admin policy unset takes prefixes", "read: "+show.Printable(strings.Join(k.Args().Slice(), " ")), "kv admin policy show tells which there are")
	}
	words := []string{"KVD.POLICYSET"}
	for _, p := range prefixes {
		words = append(words, "UNSET", p)
	}
	return change(k, words)
}

// changeLimit is how long a leader may take to answer: all read their keys.
const changeLimit = 10 * time.Minute

func change(k *invoke.Call, words []string) error {
	if strings.Contains(invoke.Address(k.Node), ",") {
		return cliutil.Usage("kv admin policy asks one leader to change the policy of all", "-n lists several: "+show.Printable(k.Node),
			"-n with any one of them: it asks the others; --without NODE leaves out one that is away")
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	for _, name := range k.StringSlice("without") {
		words = append(words, "WITHOUT", name)
	}
	if k.Bool("dry-run") {
		words = append(words, "DRYRUN")
	}
	a, err := client.LongAsk{Words: words, Limit: max(k.Timeout, changeLimit)}.To(k.Ctx(), l)
	if err != nil {
		return err
	}
	number, text, changed := a.Field("number").Int, a.Field("policy").Text, a.Field("changed").Truth()
	adopted, away := a.Field("adopted").Texts(), a.Field("away").Texts()
	said := fmt.Sprintf("policy %d counts from now on, at %s: %s", number, cliutil.Series(show.ShownAll(adopted)), show.Printable(text))
	switch {
	case !changed && k.Bool("dry-run"):
		said = "all leaders that were asked can go over to " + show.Printable(text) + "; nothing was changed"
	case !changed:
		said = "nothing is to be changed: all serve under " + show.Printable(text)
	}
	if changed {
		for _, name := range await(k, adopted, number) {
			k.Say(show.Printable(name) + " is not there again yet; kv status shows how far it is")
		}
	}
	for _, name := range away {
		k.Say(show.Printable(name) + " goes over to it when it is met, unless its keys speak against that")
	}
	return k.Out.Put(show.Facts(said, text, show.WordFact("leader", a.Name), show.NumberFact("number", number), show.WordFact("policy", text),
		show.TruthFact("changed", changed), show.ListFact("adopted", adopted), show.ListFact("away", away)))
}

// await waits until the leaders serve again, under the policy of that number or a later one, and names
// those that do not yet.
func await(k *invoke.Call, names []string, number int64) (late []string) {
	leaders, err := k.All()
	if err != nil {
		return nil
	}
	leaders = slices.DeleteFunc(slices.Clone(leaders), func(l *client.Leader) bool { return !slices.Contains(names, l.Name) })
	end := time.Now().Add(max(k.Timeout, againLimit))
	for _, l := range leaders {
		for {
			r, err := l.Do(k.Ctx(), "KVD.POLICYSET")
			if err == nil && r.Field("number").Int >= number {
				break
			}
			if k.Ctx().Err() != nil || time.Now().After(end) {
				late = append(late, l.Name)
				break
			}
			select {
			case <-time.After(againPoll):
			case <-k.Ctx().Done():
			}
		}
	}
	return late
}

// How long it is waited for leaders that begin again.
const (
	againLimit = time.Minute
	againPoll  = 50 * time.Millisecond
)

// served is what a leader says of its policy.
type served struct {
	leader, text, behind string
	number               int64 // zero: its own settings say it, or it is of a former version
	shadows              []string
}

// ask asks for the policy, and for its number a leader that knows numbers.
func ask(k *invoke.Call, l *client.Leader) (served, error) {
	r, err := l.Do(k.Ctx(), "KVD.POLICY")
	s := served{leader: l.Name, text: cmp.Or(r.Field("text").Text, "*="+r.Field("default").Text+", and rules that this version does not tell whole"), shadows: r.Field("shadows").Texts()}
	if err != nil {
		return s, err
	}
	if r, err := l.Do(k.Ctx(), "KVD.POLICYSET"); err == nil {
		s.number, s.behind = r.Field("number").Int, r.Field("behind").Text
	}
	return s, nil
}

func list(k *invoke.Call) error {
	said, missing, err := invoke.Asking(k, func(l *client.Leader) (served, error) { return ask(k, l) }, func(s served) string { return s.leader })
	if err != nil {
		return err
	}
	k.Out.List()
	for _, s := range said {
		text := fmt.Sprintf("%s  %s", show.Printable(s.leader), show.Printable(s.text))
		if s.number > 0 {
			text += fmt.Sprintf("; number %d", s.number)
		}
		if len(s.shadows) > 0 {
			text += "; watched by " + cliutil.Series(s.shadows)
		}
		if s.behind != "" {
			text += "; " + show.Printable(s.behind)
		}
		if err := k.Out.Put(show.Facts(text, s.text, show.WordFact("leader", s.leader), show.WordFact("policy", s.text),
			show.ListFact("shadows", s.shadows), show.NumberFact("number", s.number))); err != nil {
			return err
		}
	}
	return k.Verdict(invoke.Ending{Missing: missing, Differs: differ(said)})
}

// differ says of every leader that serves under another policy than the first.
func differ(said []served) (all []string) {
	for _, s := range said[1:] {
		if s.text != said[0].text {
			all = append(all, fmt.Sprintf("%s serves under %s, and %s under %s: they refuse each other", show.Printable(said[0].leader), show.Printable(said[0].text), show.Printable(s.leader), show.Printable(s.text)))
		}
	}
	return all
}
