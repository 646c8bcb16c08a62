package admin

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/policy"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// aboutTwice is the way of an operator from a copied directory to the end of it.
const aboutTwice = "A directory or a machine that was copied, and both run, has given dots twice: to one write\nhere, to another there. To the end of it:\n" +
	"   kv admin new-origin -n NAME      both take no writes; let the copy begin anew\n" +
	"   kv wait --converged              says what is still open (4)\n" +
	"   kv admin conflicts               which dots, with both contents\n" +
	"   kv admin accept DOT here|there   choose; writes to two keys both stay\n" +
	"   kv admin settle DOT              or leave the key as it shows\n" +
	"   kv admin accept --all here       or all that are open at once\n" +
	"   kv wait --converged && kv audit && kv compare --prefix ''"

// Command is kv admin with its subcommands.
func Command() *cli.Command {
	specs := []invoke.Spec{
		{Name: "new-origin", Usage: "let a leader go on under a new origin", Least: 0, Most: 0, Do: newOrigin,
			About: "For one of two leaders that have the same origin, because the one is a copy of the\nother: both take no writes until then. The leader ends and begins again at once, with all\nthat it has; clients connect again. -n says which one.\n\n" + aboutTwice},
		{Name: "conflicts", Usage: "list writes that have two contents under one dot", Least: 0, Most: 0, Do: conflicts,
			About: "Such a dot was given twice, by a leader and its copy. Every log keeps the content it has,\nand what a leader was shown by another is kept beside it. Neither is merged: whoever knows\nwhich one is right says so with kv admin accept, or kv admin settle.\n" + invoke.AboutAsking + "\n\n" + aboutTwice,
			Flags: []cli.Flag{invoke.OnlyFlag(), invoke.MissingFlag(), &cli.BoolFlag{Name: "settled", Usage: "those that are settled, too"}}},
	}
	specs = append(specs,
		invoke.Spec{Name: "accept", Usage: "choose one content of a dot that has two", Args: "DOT here|there", Least: 1, Most: 2, Writes: true, Do: acceptContent,
			About: "It is written again, over all that either content can have left, and goes to all leaders:\nthen they show the same, and the dot is settled everywhere. here is the content in the log\nof the leader that is asked, there the other's; -n says which leader. Where they are writes\nto two keys, both stay. A counter comes to what it comes to with the chosen addition and\nwithout the other.\n--all here or --all there chooses for every dot that is open at that leader; what a key was\ngiven since then stays.\n\n" + aboutTwice,
			Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "every dot that is open"}}},
		invoke.Spec{Name: "settle", Usage: "leave the keys of a dot that has two contents as they show", Args: "DOT", Least: 1, Most: 1, Writes: true, Do: invoke.At(settleDot),
			About: "What the leader that is asked shows is written again for all leaders, and the dot is\nsettled. For keys that were set anew since.\n\n" + aboutTwice})
	specs = append(specs, forgetSpec(), quorumSpec(), policy.Spec(), repairSpec(), returnSpec(), importSpec())
	specs = append(specs, memberSpecs()...)
	c := &cli.Command{Name: "admin", Usage: "mend a cluster"}
	for _, s := range specs {
		s.Under = c.Name
		c.Subcommands = append(c.Subcommands, s.Command())
	}
	return c
}

func newOrigin(k *invoke.Call) error {
	if k.Node == "" {
		return cliutil.Usage("kv admin new-origin needs to know which leader", "-n names it, and nobody is taken by default", "kv admin new-origin -n n2")
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	r, err := l.Do(k.Ctx(), "KVD.NEWORIGIN")
	if err != nil {
		return err
	}
	name, origin := r.Field("leader").Text, r.Field("origin").Text
	return k.Out.Put(show.Facts(fmt.Sprintf("%s leaves origin %s and begins a new one", show.Printable(name), show.Printable(origin)), origin,
		show.WordFact("leader", name), show.WordFact("left", origin)))
}

func acceptContent(k *invoke.Call) error {
	l, err := k.Leader()
	switch {
	case err != nil:
		return err
	case k.Bool("all") != (k.NArg() == 1):
		return cliutil.Usage("kv admin accept takes a dot and which of its contents, or --all and which", "read: "+strings.Join(k.Args().Slice(), " "),
			"kv admin accept --all here  chooses for every dot that is open")
	case k.Bool("all"):
		return acceptAll(k, l, k.Args().First())
	}
	return accept(k, l, k.Args().Get(0), k.Args().Get(1))
}

func settleDot(k *invoke.Call, l *client.Leader) error {
	return accept(k, l, k.Args().First(), "SHOWN")
}

func accept(k *invoke.Call, l *client.Leader, words ...string) error {
	r, err := l.Do(k.Ctx(), append([]string{"KVD.ACCEPT"}, words...)...)
	if err != nil {
		return err
	}
	key, settled, dot := r.Field("key").Text, r.Field("accepted").Text, r.Field("dot").Text
	return k.Out.Put(show.Facts(fmt.Sprintf("%s is settled; %s is written again as %s", show.Printable(settled), show.Brief(key), show.Printable(dot)), dot,
		show.WordFact("leader", r.Field("leader").Text), show.WordFact("key", key), show.WordFact("settled", settled), show.WordFact("dot", dot)))
}

// acceptAll settles every dot that is open at a leader. One that cannot be is passed
// over, and is what the command fails with in the end.
func acceptAll(k *invoke.Call, l *client.Leader, which string) error {
	k.Out.List()
	open, err := answers.Conflicts(k.Ctx(), l, true)
	if err != nil {
		return err
	}
	var failed error
	settled := 0
	err = open.Each(k.Ctx(), func(c answers.Conflict) error {
		err := accept(k, l, c.Field("dot").Text, which, "NEWER")
		if _, refused := client.Said(err); refused {
			failed = cmp.Or(failed, err)
			return nil
		}
		if err == nil {
			settled++
		}
		return err
	})
	if err != nil {
		return err
	}
	k.Say(fmt.Sprintf("%s settled", show.Count(settled, "dot")))
	return failed
}

func conflicts(k *invoke.Call) error {
	said, missing, err := invoke.Asking(k, func(l *client.Leader) (answers.ConflictPage, error) {
		return answers.Conflicts(k.Ctx(), l, !k.Bool("settled"))
	}, func(p answers.ConflictPage) string { return p.Leader })
	if err != nil {
		return err
	}
	k.Out.List()
	found := 0
	for _, p := range said {
		err := p.Each(k.Ctx(), func(c answers.Conflict) error {
			found++
			return k.Out.Put(show.Conflict(c))
		})
		if err != nil {
			return err
		}
		if p.Omitted > 0 {
			k.Say(show.Omitted(p.Leader, p.Omitted))
		}
	}
	nothing := ""
	if found == 0 {
		nothing = "no dot is known to have two contents"
		if !k.Bool("settled") {
			nothing += " and to be open; --settled lists the others"
		}
	}
	return k.Verdict(invoke.Ending{Missing: missing, Nothing: nothing, Next: "they are compared as leaders meet; kv audit says more about each leader"})
}
