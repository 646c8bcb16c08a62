package main

import (
	"fmt"
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
	return k.counted("there", r.Number)
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
	case r.Number == noKey:
		return k.Absent("the key is not there, at " + l.String())
	case r.Number == noLimit:
		return k.Out.Put(show.Facts("for ever", r.Text, show.KeyFact(key), show.NullFact("ttl_ms", "for ever")))
	}
	lasts := time.Duration(r.Number) * time.Millisecond
	return k.Out.Put(show.Facts(lasts.String(), r.Text, show.KeyFact(key), show.NumberFact("ttl_ms", r.Number)))
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
	case r.Number == 0:
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
