package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

func siblingSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "siblings", Usage: "print all values a key shows, and a token for writing over them", Args: "KEY", Least: 1, Most: 1, Do: at(siblings), Flags: []cli.Flag{sessionFlag()}},
		{Name: "resolve", Usage: "put one value in the place of the siblings", Args: "KEY VALUE", Least: 2, Most: 2, Writes: true, Do: on(resolveSiblings),
			About: "It goes over exactly what was shown: to the session, to whoever got --token, or, with\nneither, to kv just now. What others wrote meanwhile stays.",
			Flags: []cli.Flag{sessionFlag(), tokenFlag(), dotFlag()}},
		{Name: "history", Usage: "print the writes of a key that this leader still has", Args: "KEY", Least: 1, Most: 1, Do: at(keyHistory),
			About: "The newest is first. Where the server says that its log was shortened (--history), that is told\nat the end. Wall is the middle of what the leader's clock showed, ± how far it\nmay have been wrong. A touch is a change of the deadline alone (EXPIRE, PERSIST): those that\nhold, and those that later writes went on with, are printed.",
			Flags: []cli.Flag{&cli.IntFlag{Name: "count", Usage: "at most `N` of them; 0: as many as the server thinks fit"}}},
		{Name: "watch", Usage: "print what a key shows whenever that changes", Args: "KEY", Least: 1, Most: 1, Do: on(watch),
			About: "It asks again and again, and prints each change it sees; a value that came and went in\nbetween is not seen. Ctrl-C ends it.",
			Flags: []cli.Flag{everyFlag()}},
	}
}

func siblings(k *call, l *client.Leader) error {
	r, err := k.reading(l, k.Args().First())
	if err != nil {
		return err
	}
	if err := k.Out.Put(show.Siblings(r)); err != nil {
		return err
	}
	if err := k.Session.ShownBy(r.Token); err != nil {
		return err
	}
	if len(r.Values) == 0 {
		return k.Absent("the key is not there, at " + l.String())
	}
	return nil
}

func resolveSiblings(k *call) error {
	if _, err := k.setOptions(); err != nil {
		return err
	}
	key := k.Args().First()
	value, err := k.Value(k.Args().Get(1))
	if err != nil {
		return err
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	token, err := k.shownToken(l, key)
	if err != nil {
		return err
	}
	r, err := l.Do(k.Ctx(), "KVD.RESOLVE", key, value, "TOKEN", token)
	if err != nil {
		return err
	}
	after := r.Field("token").Text
	if err := k.Session.ShownBy(after); err != nil {
		return err
	}
	return k.putWritten(key, r.Field("dot").Text, after)
}

// shownToken says what a resolution goes over. If nobody says it, it is what the
// leader shows now, which the user is told.
func (k *call) shownToken(l *client.Leader, key string) (string, error) {
	if token := k.String("token"); token != "" {
		return token, nil
	}
	if k.Session.Knows(key) {
		return k.Session.Token(key), nil
	}
	r, err := k.reading(l, key)
	if err != nil {
		return "", err
	}
	if len(r.Values) == 0 {
		return "", k.Absent("there is nothing to resolve, at " + l.String())
	}
	k.Say(fmt.Sprintf("over %s: %s", show.Count(len(r.Values), "value"), show.Glimpse(r.Values)))
	return r.Token, nil
}

func keyHistory(k *call, l *client.Leader) error {
	h, err := answers.HistoryOf(k.Ctx(), l, k.Args().First(), k.Int("count"))
	if client.Unknown(err) {
		return &cliutil.Problem{What: k.Subject() + " at " + l.String(), Why: "this server has no KVD.HISTORY: it keeps the writes and does not show them",
			Next: "kv siblings KEY shows what is there now"}
	}
	if err != nil {
		return err
	}
	err = show.PutList(k.Out, h.Writes, show.Op)
	if h.Removed > 0 {
		k.Say(show.Begins(l.String(), h.Removed))
	}
	if err != nil || len(h.Writes) > 0 {
		return err
	}
	return k.Absent("no write of the key is kept, at " + l.String())
}

func everyFlag() cli.Flag {
	return &cli.DurationFlag{Name: "every", Value: 100 * time.Millisecond, Usage: "ask again after `DURATION`"}
}

func (k *call) every() (time.Duration, error) {
	d := k.Duration("every")
	if d <= 0 {
		return 0, cliutil.Usage("--every "+d.String()+" would never wait", "it must be above zero", "kv "+k.Command.Name+" --every 1s")
	}
	return d, nil
}

// watch prints what the key shows, and again whenever that is something else. A
// leader that is away is waited for, if it was there at first. The user ends it,
// which is no failure.
func watch(k *call) error {
	every, err := k.every()
	if err != nil {
		return err
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	k.Out.List()
	last, err := k.reading(l, k.Args().First())
	if err == nil {
		err = k.Out.Put(show.Change(time.Now(), last))
	}
	away := false
	for err == nil {
		if err = client.Pause(k.Ctx(), every); err != nil {
			break
		}
		now, lost := k.reading(l, last.Key)
		if lost != nil && !away && k.Ctx().Err() == nil {
			k.Say(lost.Error() + "; still asking")
		}
		if away = lost != nil; !away && !slices.Equal(now.Values, last.Values) {
			last, err = now, k.Out.Put(show.Change(time.Now(), now))
		}
	}
	if k.Ctx().Err() != nil {
		return nil
	}
	return err
}
