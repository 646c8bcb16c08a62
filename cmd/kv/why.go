package main

import (
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

func ledgerSpecs() []spec {
	return []spec{
		lossesSpec(),
		{name: "why", usage: "print why a key shows what it shows, and what was lost on the way", args: "KEY", least: 1, most: 1, do: why,
			about: "The story is that of the leader which has applied most; whoever tells it otherwise is\nnamed below it.\n" + aboutAsking + orNothing("the key shows nothing, and nothing of it is lost") +
				"\n\nExamples:\n   kv why cart\n   kv why cart --tree            the same as a tree of writes, with their dots\n   kv why cart --only -n n3      as n3 alone sees it",
			flags: []cli.Flag{&cli.BoolFlag{Name: "tree", Usage: "print a tree of writes and their dots"}, onlyFlag(), missingFlag()}},
		fateSpec(), restoreSpec(), auditSpec(), adviseSpec(),
	}
}

func why(k *call) error {
	key := k.Args().First()
	if key == "" {
		return cliutil.Usage("no key is empty", "the argument is", "kv why KEY")
	}
	said, missing, err := k.askAll("KVD.WHY", key)
	if err != nil {
		return err
	}
	w := show.Whys{Whys: answers.WhysOf(key, said, missing), Tree: k.Bool("tree")}
	if err := k.out.Put(w); err != nil {
		return err
	}
	end := ending{missing: missing}
	if _, end.differs = w.Others(); len(w.Told().Values) == 0 && w.Told().Lost() == 0 {
		end.nothing, end.next = "the key shows nothing, and nothing of it is lost", whereKeysAre
	}
	return k.verdict(end)
}
