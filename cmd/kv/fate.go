package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

func fateSpec() spec {
	return spec{name: "fate", usage: "print what became of one write, under every resolver", args: "DOT", least: 1, most: 1, do: fate,
		about: "A dot names a write: kv set --dot, kv losses, kv history and kv why --tree print them.\n" + aboutAsking + orNothing("no leader knows the write") +
			"\n\nExamples:\n   kv set x 1 --dot -o raw                    prints the dot alone\n   kv fate 00c0ffee00c0ffee-17 -o table       a row for each resolver, and who says so",
		flags: []cli.Flag{onlyFlag(), missingFlag()}}
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
	said, missing, err := k.askAll("KVD.FATE", dot)
	if err != nil {
		return err
	}
	f := show.Fates{Fates: answers.FatesOf(dot, said, missing)}
	if err := k.out.Put(f); err != nil {
		return err
	}
	end := ending{missing: missing}
	if _, end.differs = f.Lines(); !f.Known() {
		end.nothing, end.next = "no leader that answered can tell what became of it", whereDotsAre
	}
	if f.Known() && k.out.Name == "text" && strings.HasPrefix(f.Raw(), "lost") {
		k.say("kv restore " + dot + " writes the lost value again")
	}
	return k.verdict(end)
}
