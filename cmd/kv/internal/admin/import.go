package admin

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/rewriting"
)

func importSpec() invoke.Spec {
	return invoke.Spec{Name: "import", Usage: "write again what a forgotten leader had exported", Args: "FILE", Least: 1, Most: 1, Writes: true, Do: invoke.At(importFile),
		About: "FILE is what a leader that was forgotten wrote when it returned (kv admin return), copied\n" +
			"to where kv runs. Its writes are written again at one leader, in their order, as new\n" +
			"writes: additions are added; values are set, and keys removed, only where the key shows\n" +
			"nothing that their author had not been shown. A key that shows something newer stays and\n" +
			"is printed, with the dots of both: look, and set it, or give the command again with\n" +
			"--over, which writes over whatever is there. The exit code is 4 then.\n" +
			"What is there after all, what was written again before, and values whose time is over are\n" +
			"passed over: a command that ended early is given again and goes on.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "over", Usage: "write over what is newer, too"}}}
}

func importFile(k *invoke.Call, l *client.Leader) error {
	f, err := rewriting.Open(k.Args().First())
	if err != nil {
		return cliutil.Fail("the file cannot be imported", err, "name the file that kv status -n NODE names, of the leader that was forgotten")
	}
	k.Out.List()
	count := map[string]int{}
	err = f.Each(k.Ctx(), l, k.Bool("over"), func(o *rewriting.Outcome) error {
		count[o.Became]++
		if o.Became != "newer" && o.Became != rewriting.Deadline {
			return nil
		}
		text := fmt.Sprintf("%s: %s of %s stays as it is: %s", show.Brief(o.Key), o.Kind, o.Dot, "the deadline of a value is not set again")
		if o.Became == "newer" {
			text = fmt.Sprintf("%s: %s of %s is not written again: the key shows what is newer, %s", show.Brief(o.Key), o.Kind, o.Dot, strings.Join(o.Shown, " "))
		}
		return k.Out.Put(show.Facts(text, o.Dot, show.KeyFact(o.Key), show.WordFact("kind", o.Kind), show.WordFact("dot", o.Dot), show.WordFact("became", o.Became), show.ListFact("shown", o.Shown)))
	})
	k.Say(fmt.Sprintf("%s of %s: %d written again, %d written again before, %d there already, %d whose time is over, %d not written", show.Count(int(f.Writes), "write"), show.Printable(f.Leader),
		count["written"], count["before"], count["known"], count["ended"], count["newer"]+count[rewriting.Deadline]))
	if err == nil && count["newer"] > 0 {
		return &cliutil.Problem{What: fmt.Sprintf("import: %s would go over what is newer", show.Count(count["newer"], "write")), Why: "their authors had not been shown what the keys show now", Next: "set these keys by hand, or kv admin import FILE --over", Code: cliutil.Differs}
	}
	return err
}
