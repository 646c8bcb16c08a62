package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func keySpecs() []invoke.Spec {
	inSession := []cli.Flag{sessionFlag()}
	return []invoke.Spec{
		{Name: "exists", Usage: "count which keys are there", Args: "KEY...", Least: 1, Most: -1, Do: at(exists), Flags: inSession},
		{Name: "ttl", Usage: "print how long a value lasts", Args: "KEY", Least: 1, Most: 1, Do: at(ttl), Flags: inSession},
		{Name: "expire", Usage: "let a value end after a time", Args: "KEY DURATION", Least: 2, Most: 2, Writes: true, Do: on(expire), Flags: inSession,
			About: "DURATION is like 90s or 24h; a plain number is seconds."},
		{Name: "type", Usage: "print what kind of value a key has", Args: "KEY", Least: 1, Most: 1, Do: at(typeOf), Flags: inSession},
		{Name: "scan", Usage: "print the keys there are, in order", Args: "[PATTERN]", Least: 0, Most: 1, Do: on(scan),
			About: "PATTERN is a glob: * any text, ? any character, [a-z] one of them, \\ takes the next\nas it is. Quote it, or the shell reads it first.",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
				&cli.IntFlag{Name: "limit", Usage: "end after `N` keys; 0: no limit"},
			}},
	}
}

// looked does a read that takes no token, in a session: not before the leader has what the
// session has seen, and what it has afterwards is remembered.
func (k *call) looked(l *client.Leader, words ...string) (r client.Reply, err error) {
	if err = k.Session.CatchUp(k.Ctx(), l); err == nil {
		r, err = l.Do(k.Ctx(), words...)
	}
	if err == nil {
		err = k.Session.Note(k.Ctx(), l)
	}
	return r, err
}

func exists(k *call, l *client.Leader) error {
	r, err := k.looked(l, append([]string{"EXISTS"}, k.Args().Slice()...)...)
	if err != nil {
		return err
	}
	return k.counted("there", r.Int)
}

// What PTTL answers beside milliseconds.
const (
	noKey   = -2
	noLimit = -1
)

func ttl(k *call, l *client.Leader) error {
	key := k.Args().First()
	r, err := k.looked(l, "PTTL", key)
	switch {
	case err != nil:
		return err
	case r.Int == noKey:
		return k.Absent("the key is not there, at " + l.String())
	case r.Int == noLimit:
		return k.Out.Put(show.Facts("for ever", r.Text, show.KeyFact(key), show.NullFact("ttl_ms", "for ever")))
	}
	lasts := time.Duration(r.Int) * time.Millisecond
	return k.Out.Put(show.Facts(lasts.String(), r.Text, show.KeyFact(key), show.NumberFact("ttl_ms", r.Int)))
}

func expire(k *call) error {
	key := k.Args().First()
	after, err := lifetime(k.Args().Get(1))
	if err != nil {
		return err
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	r, err := k.between(l, "PEXPIRE", key, strconv.FormatInt(after.Milliseconds(), 10))
	switch {
	case err != nil:
		return err
	case r.Int == 0:
		return k.Absent("the key is not there, at " + l.String())
	}
	return k.Out.Put(done(show.KeyFact(key)))
}

func lifetime(text string) (time.Duration, error) {
	if _, err := strconv.ParseUint(text, 10, 32); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond {
		return 0, cliutil.Usage(fmt.Sprintf("%q is no time for a value to last", text), "it must be 1ms or more, like 90s or 24h", "kv del removes a key at once")
	}
	return d, nil
}

func typeOf(k *call, l *client.Leader) error {
	key := k.Args().First()
	r, err := k.looked(l, "TYPE", key)
	switch {
	case err != nil:
		return err
	case r.Text == "none":
		return k.Absent("the key is not there, at " + l.String())
	}
	return k.Out.Put(show.Facts(r.Text, r.Text, show.KeyFact(key), show.WordFact("type", r.Text)))
}

func scan(k *call) error {
	pattern := k.Args().First()
	if prefix := k.String("prefix"); prefix != "" {
		if pattern != "" {
			return cliutil.Usage("kv scan takes a pattern or --prefix", "both were given", "kv scan 'user:*'")
		}
		pattern = client.Glob(prefix) + "*"
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	k.Out.List()
	left := k.Int("limit")
	if left < 0 {
		return nil
	}
	for key, err := range l.Keys(k.Ctx(), pattern) {
		if err == nil {
			err = k.Out.Put(show.Key(key))
		}
		if left--; err != nil || left == 0 {
			return err
		}
	}
	return nil
}

const aboutIncr = `The server adds, so nothing is read before. Under a counter policy the addition
itself is what leaders exchange; under any other, what one leader adds to what it
shows is a value like any other, and can lose to another leader's.

In a session, kv first waits until the leader has what the session has seen
(KVD.WAITFOR), then adds (INCRBY), then remembers all that the leader has applied
(KVD.TOKEN). INCRBY itself takes no token: it goes over everything the leader shows
then, and the session forgets what it was shown of the key before.` + aboutAcks

func numberSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "incr", Usage: "add to the number of a key", Args: "KEY [N]", Least: 1, Most: 2, About: aboutIncr, Writes: true, Do: on(incr), Flags: append(acksFlags(), sessionFlag(), dotFlag())},
		{Name: "decr", Usage: "take from the number of a key", Args: "KEY [N]", Least: 1, Most: 2, About: aboutIncr, Writes: true, Do: on(decr), Flags: append(acksFlags(), sessionFlag(), dotFlag())},
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
	if k.Bool("dot") || k.levelled() {
		return k.addDotted(l, command, key, by)
	}
	r, err := k.between(l, command, key, by)
	if err != nil {
		return err
	}
	return k.Out.Put(show.Facts(r.Text, r.Text, show.KeyFact(key), show.NumberFact("number", r.Int)))
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
		r, err = k.doLevelled(l, words...)
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
