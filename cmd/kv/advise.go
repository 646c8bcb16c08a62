package main

import (
	"github.com/urfave/cli/v2"

	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

func adviseSpec() spec {
	return spec{name: "advise", usage: "print which resolver would have lost less, by prefix", args: "[PREFIX]...", least: 0, most: -1, do: advise,
		about: "Without prefixes, those of the policy and all other keys. Advice rests on the ledger and\nthe log as they are; " + aboutScans + "\n" + aboutAsking +
			"\n\nExamples:\n   kv advise\n   kv advise user: cart:",
		flags: []cli.Flag{onlyFlag(), missingFlag()}}
}

func advise(k *call) error {
	words := []string{"KVD.ADVISE"}
	for _, prefix := range k.Args().Slice() {
		words = append(words, "PREFIX", prefix)
	}
	said, missing, err := k.scanAll(words...)
	if err != nil {
		return err
	}
	all := answers.AdviceOf(said)
	differs := show.ObjectionLines(answers.Objections(said, all))
	if err := k.putAdvice(show.AdviceList{Advice: show.AdviceRecords(all), Differences: append([]string{}, differs...), Missing: show.Absentees(missing)}); err != nil {
		return err
	}
	if len(all) == 0 {
		k.say("there is nothing to advise: as far as the ledgers tell, what serves now has lost nothing that another would not have lost")
	}
	return k.verdict(ending{differs: differs, missing: missing})
}

func (k *call) putAdvice(a show.AdviceList) error {
	if k.out.Name == "json" {
		return k.out.Put(a)
	}
	k.out.List()
	for _, c := range a.Advice {
		if err := k.out.Put(c); err != nil {
			return err
		}
	}
	return nil
}
