package admin

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func forgetSpec() invoke.Spec {
	return invoke.Spec{Name: "forget", Usage: "wait for dead leaders no more", Args: "NODE...", Least: 1, Most: -1, Do: forgetNode,
		About: "It leaves the lists of members, and wait, audit, losses and why do not ask it any more,\n" +
			"at all leaders: those that cannot be reached now are told when they come back. Nothing of\n" +
			"what they have from it is given up. Should it return, it is not let in with its old data:\n" +
			"what it alone had acknowledged it exports to a file, and then begins anew (kv admin return).\n" +
			"--lift takes the word back: it is let in with all it has. Nobody waits for the leader\n" +
			"before it returns, unless the context names it.\n" +
			"A leader that is alive is refused: stop it first, or let it go with kv admin leave.\n" +
			"A majority of the members that stay must be there: name all that are dead at once.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "lift", Usage: "take it back: the leader is forgotten no more; it is listed and asked again when it returns"}, invoke.OnlyFlag()}}
}

func forgetNode(k *invoke.Call) error {
	leaders, err := k.Everyone()
	if err != nil {
		return err
	}
	return forget(k, leaders, k.Args().Slice(), k.Bool("lift"))
}

// forget tells every leader but those that are meant. Gossip tells them too; whoever
// is asked next finds it done.
func forget(k *invoke.Call, leaders []*client.Leader, names []string, lift bool) error {
	words := []string{"KVD.FORGET", names[0]}
	for _, more := range names[1:] {
		words = append(words, "WITH", more)
	}
	if lift {
		words = append(words, "LIFT")
	}
	leaders = slices.DeleteFunc(slices.Clone(leaders), func(l *client.Leader) bool { return slices.Contains(names, l.Name) })
	told, missing, err := tellAll(k, leaders, words)
	if err != nil {
		return err
	}
	for _, a := range missing {
		k.Say(show.Missed(a) + "; it is told when it is back")
	}
	nodes, is := cliutil.Series(show.ShownAll(names)), map[bool]string{true: " is", false: " are"}[len(names) == 1]
	if lift {
		k.Say(nodes + is + " listed and asked again on return; until then nobody waits, unless the context names it")
	}
	verb := map[bool]string{false: is + " forgotten by ", true: is + " forgotten no more by "}[lift]
	return k.Out.Put(show.Facts(nodes+verb+cliutil.Series(show.ShownAll(told)), strings.Join(names, "\n"),
		show.WordFact("node", strings.Join(names, " ")), show.TruthFact("forgotten", !lift), show.WordFact("leaders", strings.Join(told, " "))))
}

// tellAll says one thing to all leaders. That nobody heard it is a failure, as is that one
// refuses it.
func tellAll(k *invoke.Call, leaders []*client.Leader, words []string) (told []string, missing []client.Absentee, err error) {
	var failed, unmet error
	for _, l := range leaders {
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
		return nil, nil, failed
	case len(told) == 0 && unmet != nil:
		return nil, nil, unmet
	case len(told) == 0 && len(missing) > 0:
		return nil, nil, &cliutil.Problem{What: k.Subject() + ": nobody could be told", Why: strings.Join(show.WhoIsMissing(missing), "\n      "),
			Next: "-n names a leader that is alive", Code: cliutil.Unreachable}
	case len(told) == 0:
		return nil, nil, cliutil.Usage("there is nobody to tell", "no leader beside those that are named is known", "-n names another")
	}
	return told, missing, nil
}
