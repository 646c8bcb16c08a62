package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

// missingFlag is for commands that ask several leaders.
func missingFlag() cli.Flag {
	return &cli.BoolFlag{Name: "missing-ok", Usage: "do not fail because leaders cannot be asked: say which, and answer for the rest"}
}

// accepted takes away who is missing if the user accepts that, and says so.
func (k *call) accepted(missing []absentee) []absentee {
	if len(missing) == 0 || !k.Bool("missing-ok") {
		return missing
	}
	k.say("left out: " + strings.Join(whoIsMissing(missing), "; "))
	return nil
}

// stillMissed takes out of those who could not be asked the leaders that the cluster has
// forgotten, as one of the others knows: a context may still name them.
func (k *call) stillMissed(missing []absentee, leaders []*leader) []absentee {
	if len(missing) == 0 {
		return nil
	}
	for _, l := range leaders {
		if slices.ContainsFunc(missing, func(a absentee) bool { return a.Addr == l.Addr }) {
			continue
		}
		names, err := l.forgotten(k)
		if err != nil {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(missing), func(a absentee) bool { return slices.Contains(names, a.Leader) })
		if n := len(missing) - len(left); n > 0 && !k.saidForgotten.Swap(true) {
			k.say(count(n, "leader") + " of the context " + map[bool]string{true: "is", false: "are"}[n == 1] + " forgotten and not asked; kv context add leaves them out for good")
		}
		return left
	}
	return missing
}

// forgotten is whom a leader has been told to forget.
func (l *leader) forgotten(k *call) ([]string, error) {
	r, err := l.do(k.ctx(), "KVD.FORGOTTEN")
	var names []string
	for _, item := range r.items {
		names = append(names, item.field("name").text)
	}
	return names, err
}

// forgetSpec is kv admin forget.
func forgetSpec() spec {
	return spec{name: "forget", usage: "wait for a dead leader no more", args: "NODE", least: 1, most: 1, do: forgetNode,
		about: "It leaves the lists of members, and wait, audit, losses and why do not ask it any more,\n" +
			"at all leaders: those that cannot be reached now are told when they come back. Nothing of\n" +
			"what it wrote is given up. Writes that it alone had acknowledged are missing until it\n" +
			"returns; when it does, it is known again at once. --lift takes only the word back: nobody\n" +
			"waits for the leader before it returns.\n" +
			"A leader that is alive is refused: stop it first.",
		flags: []cli.Flag{&cli.BoolFlag{Name: "lift", Usage: "take it back: the leader is forgotten no more; it is listed and asked again when it returns"}, onlyFlag()}}
}

// forgetNode tells every leader but the one that is meant. Gossip tells them too; whoever
// asks next finds it done.
func forgetNode(k *call) error {
	node := k.Args().First()
	words := []string{"KVD.FORGET", node}
	if k.Bool("lift") {
		words = append(words, "LIFT")
	}
	leaders, err := k.everyone()
	if err != nil {
		return err
	}
	var told []string
	var failed, unmet error
	var missing []absentee
	for _, l := range leaders {
		if l.Name == node {
			continue
		}
		r, err := l.do(k.ctx(), words...)
		var said redis.Error
		switch {
		case err == nil:
			told = append(told, r.field("leader").text)
		case errors.As(err, &said) && strings.HasPrefix(said.Error(), "UNKNOWN"):
			unmet = err // it may never have met who is meant; others have
		case errors.As(err, &said):
			failed = errors.Join(failed, err)
		default:
			missing = append(missing, absenteeOf(l, err))
		}
	}
	switch {
	case failed != nil:
		return failed
	case len(told) == 0 && unmet != nil:
		return unmet
	case len(told) == 0 && len(missing) > 0:
		return &cliutil.Problem{What: k.subject() + ": nobody could be told", Why: strings.Join(whoIsMissing(missing), "\n      "),
			Next: "-n names a leader that is alive", Code: cliutil.Unreachable}
	case len(told) == 0:
		return cliutil.Usage("there is nobody to tell", "the only leader that is known is "+printable(node)+" itself", "-n names another")
	}
	for _, a := range missing {
		k.say(a.Text() + "; it is told when it is back")
	}
	verb := map[bool]string{false: " is forgotten by ", true: " is forgotten no more by "}[k.Bool("lift")]
	return k.out.put(facts{
		say: printable(node) + verb + series(shownAll(told)), bare: node,
		all: []fact{wordFact("node", node), truthFact("forgotten", !k.Bool("lift")), wordFact("leaders", strings.Join(told, " "))},
	})
}
