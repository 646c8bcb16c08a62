package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

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
