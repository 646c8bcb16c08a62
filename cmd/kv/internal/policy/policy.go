// Package policy is kv admin policy: under which policy each leader serves, and whether all
// serve under the same.
//
// What it is not: it changes none. A leader takes its policy from its own command line, and
// folds its objects again when that is another one than they were made under.
package policy

import (
	"cmp"
	"fmt"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// Spec is the command.
func Spec() invoke.Spec {
	return invoke.Spec{Name: "policy", Usage: "print which policy each leader serves under", Args: "[list]", Least: 0, Most: 1, Do: list,
		About: "A policy is the default and the rules of prefixes: *=RESOLVER, then \"PREFIX\"=RESOLVER, with\nacks=N and read=pick where they are given. Leaders with different policies refuse each\nother, and replicate again when they serve under the same: start them again one after the\nother, with the same --resolver, --policy and --acks. Each folds its objects again, from\nwhat they keep and from its log, and nothing that is shown is lost by it." + invoke.AboutAsking,
		Flags: []cli.Flag{invoke.OnlyFlag(), invoke.MissingFlag()}}
}

// served is what a leader says of its policy.
type served struct {
	leader, text string
	shadows      []string
}

func list(k *invoke.Call) error {
	if what := k.Args().First(); what != "" && what != "list" {
		return cliutil.Usage("kv admin policy prints", "read: "+show.Printable(what), "kv admin policy list; another policy is given to kvd serve, with --policy")
	}
	said, missing, err := invoke.Asking(k, func(l *client.Leader) (served, error) {
		r, err := l.Do(k.Ctx(), "KVD.POLICY")
		return served{l.Name, cmp.Or(r.Field("text").Text, "*="+r.Field("default").Text+", and rules that this version does not tell whole"), r.Field("shadows").Texts()}, err
	}, func(s served) string { return s.leader })
	if err != nil {
		return err
	}
	k.Out.List()
	for _, s := range said {
		text := fmt.Sprintf("%s  %s", show.Printable(s.leader), show.Printable(s.text))
		if len(s.shadows) > 0 {
			text += "; watched by " + cliutil.Series(s.shadows)
		}
		if err := k.Out.Put(show.Facts(text, s.text, show.WordFact("leader", s.leader), show.WordFact("policy", s.text), show.ListFact("shadows", s.shadows))); err != nil {
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
