package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// forgetSpec is kv admin forget.
func forgetSpec() invoke.Spec {
	return invoke.Spec{Name: "forget", Usage: "wait for a dead leader no more", Args: "NODE", Least: 1, Most: 1, Do: on(forgetNode),
		About: "It leaves the lists of members, and wait, audit, losses and why do not ask it any more,\n" +
			"at all leaders: those that cannot be reached now are told when they come back. Nothing of\n" +
			"what it wrote is given up. Writes that it alone had acknowledged are missing until it\n" +
			"returns; when it does, it is known again at once. --lift takes only the word back: nobody\n" +
			"waits for the leader before it returns.\n" +
			"A leader that is alive is refused: stop it first.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "lift", Usage: "take it back: the leader is forgotten no more; it is listed and asked again when it returns"}, invoke.OnlyFlag()}}
}

// forgetNode tells every leader but the one that is meant. Gossip tells them too; whoever
// asks next finds it done.
func forgetNode(k *call) error {
	node := k.Args().First()
	words := []string{"KVD.FORGET", node}
	if k.Bool("lift") {
		words = append(words, "LIFT")
	}
	leaders, err := k.Everyone()
	if err != nil {
		return err
	}
	var told []string
	var failed, unmet error
	var missing []client.Absentee
	for _, l := range leaders {
		if l.Name == node {
			continue
		}
		r, err := l.Do(k.Ctx(), words...)
		_, refused := client.Said(err)
		switch {
		case err == nil:
			told = append(told, r.Field("leader").Text)
		case client.Code(err) == "UNKNOWN":
			unmet = err // it may never have met who is meant; others have
		case refused:
			failed = errors.Join(failed, err)
		default:
			missing = append(missing, client.Absentee{Node: l.Node, Err: err})
		}
	}
	switch {
	case failed != nil:
		return failed
	case len(told) == 0 && unmet != nil:
		return unmet
	case len(told) == 0 && len(missing) > 0:
		return &cliutil.Problem{What: k.Subject() + ": nobody could be told", Why: strings.Join(show.WhoIsMissing(missing), "\n      "),
			Next: "-n names a leader that is alive", Code: cliutil.Unreachable}
	case len(told) == 0:
		return cliutil.Usage("there is nobody to tell", "the only leader that is known is "+show.Printable(node)+" itself", "-n names another")
	}
	for _, a := range missing {
		k.Say(show.Missed(a) + "; it is told when it is back")
	}
	if k.Bool("lift") {
		k.Say(show.Printable(node) + " is listed and asked again when it returns; until then nobody waits for it")
	}
	verb := map[bool]string{false: " is forgotten by ", true: " is forgotten no more by "}[k.Bool("lift")]
	return k.Out.Put(show.Facts(show.Printable(node)+verb+show.Series(show.ShownAll(told)), node,
		show.WordFact("node", node), show.TruthFact("forgotten", !k.Bool("lift")), show.WordFact("leaders", strings.Join(told, " "))))
}
