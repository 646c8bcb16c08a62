package main

import (
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
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
	end := invoke.Ending{Missing: missing}
	if _, end.Differs = show.WhyLines(w); len(w.Told().Values) == 0 && w.Told().Lost() == 0 {
		end.Nothing, end.Next = "the key shows nothing, and nothing of it is lost", invoke.WhereKeysAre
	}
	return k.Verdict(end)
}
