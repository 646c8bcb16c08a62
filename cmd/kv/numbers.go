package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

const aboutIncr = `The server adds, so nothing is read before. Under a counter policy the addition
itself is what leaders exchange; under any other, what one leader adds to what it
shows is a value like any other, and can lose to another leader's.

In a session, kv first waits until the leader has what the session has seen
(KVD.WAITFOR), then adds (INCRBY), then remembers all that the leader has applied
(KVD.TOKEN). INCRBY itself takes no token: it goes over everything the leader shows
then, and the session forgets what it was shown of the key before.`

func numberSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "incr", Usage: "add to the number of a key", Args: "KEY [N]", Least: 1, Most: 2, About: aboutIncr, Writes: true, Do: on(incr), Flags: []cli.Flag{sessionFlag(), dotFlag()}},
		{Name: "decr", Usage: "take from the number of a key", Args: "KEY [N]", Least: 1, Most: 2, About: aboutIncr, Writes: true, Do: on(decr), Flags: []cli.Flag{sessionFlag(), dotFlag()}},
	}
}

func incr(k *call) error { return add(k, "INCRBY") }
func decr(k *call) error { return add(k, "DECRBY") }

func add(k *call, command string) error {
	key, by := k.Args().First(), "1"
	if k.NArg() == 2 {
		by = k.Args().Get(1)
		if _, err := strconv.ParseInt(by, 10, 64); err != nil {
			return cliutil.Usage(fmt.Sprintf("%q is no number", by), "it must be an integer of 64 bits", "kv "+k.Command.Name+" KEY 5")
		}
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	if k.Bool("dot") {
		return k.addDotted(l, command, key, by)
	}
	r, err := k.between(l, command, key, by)
	if err != nil {
		return err
	}
	return k.Out.Put(show.Facts(r.Text, r.Text, show.KeyFact(key), show.NumberFact("number", r.Number)))
}

// addDotted adds by KVD.INCR, which answers the dot as well.
func (k *call) addDotted(l *client.Leader, command, key, by string) error {
	if command == "DECRBY" {
		by = negated(by)
	}
	r, err := k.between(l, "KVD.INCR", key, by)
	if err != nil {
		return err
	}
	value := r.Field("value").Text
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return client.NewRefusal(l, "KVD.INCR", fmt.Errorf("the answer cannot be read: %w", err))
	}
	return k.putDotted(value, r.Field("dot").Text, show.KeyFact(key), show.NumberFact("number", n), show.WordFact("dot", r.Field("dot").Text))
}

// negated is a number's text with the other sign. What cannot be negated stays,
// for the leader to refuse.
func negated(number string) string {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n == math.MinInt64 {
		return "-" + number
	}
	return strconv.FormatInt(-n, 10)
}

// between does a write that takes no token, in a session, as looked does a read.
func (k *call) between(l *client.Leader, words ...string) (r client.Reply, err error) {
	if err = k.Session.CatchUp(k.Ctx(), l); err == nil {
		r, err = l.Do(k.Ctx(), words...)
	}
	if err != nil {
		return r, err
	}
	k.Session.Forget(words[1])
	if err = k.Session.Note(k.Ctx(), l); err != nil {
		k.Say("it was done; the session does not know of it")
	}
	return r, err
}
