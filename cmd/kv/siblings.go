package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func siblingSpecs() []spec {
	return []spec{
		{name: "siblings", usage: "print all values a key shows, and a token for writing over them", args: "KEY", least: 1, most: 1, do: siblings, flags: []cli.Flag{sessionFlag()}},
		{name: "resolve", usage: "put one value in the place of the siblings", args: "KEY VALUE", least: 2, most: 2, writes: true, do: resolveSiblings,
			about: "It goes over exactly what was shown: to the session, to whoever got --token, or, with\nneither, to kv just now. What others wrote meanwhile stays.",
			flags: []cli.Flag{sessionFlag(), tokenFlag(), dotFlag()}},
		{name: "history", usage: "print the writes of a key that this leader still has", args: "KEY", least: 1, most: 1, do: keyHistory,
			about: "The newest is first. Wall is the middle of what the leader's clock showed, ± how far it\nmay have been wrong. A touch is a change of the deadline alone (EXPIRE, PERSIST): those that\nhold, and those that later writes went on with, are printed.",
			flags: []cli.Flag{&cli.IntFlag{Name: "count", Usage: "at most `N` of them; 0: as many as the server thinks fit"}}},
		{name: "watch", usage: "print what a key shows whenever that changes", args: "KEY", least: 1, most: 1, do: watch,
			about: "It asks again and again, and prints each change it sees; a value that came and went in\nbetween is not seen. Ctrl-C ends it.",
			flags: []cli.Flag{everyFlag()}},
	}
}

func siblings(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := k.reading(l, k.Args().First())
	if err != nil {
		return err
	}
	if err := k.out.Put(show.Siblings{Reading: r}); err != nil {
		return err
	}
	if err := k.session.shownBy(r.Token); err != nil {
		return err
	}
	if len(r.Values) == 0 {
		return k.absent("the key is not there, at " + l.String())
	}
	return nil
}

func resolveSiblings(k *call) error {
	if _, err := k.setOptions(); err != nil {
		return err
	}
	key := k.Args().First()
	value, err := k.value(k.Args().Get(1))
	if err != nil {
		return err
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	token, err := k.shownToken(l, key)
	if err != nil {
		return err
	}
	r, err := l.Do(k.ctx(), "KVD.RESOLVE", key, value, "TOKEN", token)
	if err != nil {
		return err
	}
	after := r.Field("token").Text
	if err := k.session.shownBy(after); err != nil {
		return err
	}
	return k.out.Put(k.dotted(done(show.KeyFact(key), show.WordFact("dot", r.Field("dot").Text), show.WordFact("token", after))))
}

// shownToken says what a resolution goes over. If nobody says it, it is what the
// leader shows now, which the user is told.
func (k *call) shownToken(l *client.Leader, key string) (string, error) {
	if token := k.String("token"); token != "" {
		return token, nil
	}
	if k.session.Knows(key) {
		return k.session.Token(key), nil
	}
	r, err := k.reading(l, key)
	if err != nil {
		return "", err
	}
	if len(r.Values) == 0 {
		return "", k.absent("there is nothing to resolve, at " + l.String())
	}
	k.say(fmt.Sprintf("over %s: %s", show.Count(len(r.Values), "value"), show.Glimpse(r.Values)))
	return r.Token, nil
}
