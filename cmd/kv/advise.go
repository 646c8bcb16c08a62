package main

import (
	"github.com/urfave/cli/v2"

	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

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
		err = putList(k, all, show.Advice)
	}
	if err != nil {
		return err
	}
	if len(all) == 0 {
		k.Say("there is nothing to advise: as far as the ledgers tell, what serves now has lost nothing that another would not have lost")
	}
	return k.Verdict(invoke.Ending{Differs: differs, Missing: missing})
}
