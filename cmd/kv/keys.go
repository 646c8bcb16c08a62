package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func keySpecs() []spec {
	inSession := []cli.Flag{sessionFlag()}
	return []spec{
		{name: "exists", usage: "count which keys are there", args: "KEY...", least: 1, most: -1, do: exists, flags: inSession},
		{name: "ttl", usage: "print how long a value lasts", args: "KEY", least: 1, most: 1, do: ttl, flags: inSession},
		{name: "expire", usage: "let a value end after a time", args: "KEY DURATION", least: 2, most: 2, writes: true, do: expire, flags: inSession,
			about: "DURATION is like 90s or 24h; a plain number is seconds."},
		{name: "type", usage: "print what kind of value a key has", args: "KEY", least: 1, most: 1, do: typeOf, flags: inSession},
		{name: "scan", usage: "print the keys there are, in order", args: "[PATTERN]", least: 0, most: 1, do: scan,
			about: "PATTERN is a glob: * any text, ? any character, [a-z] one of them, \\ takes the next\nas it is. Quote it, or the shell reads it first.",
			flags: []cli.Flag{
				&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
				&cli.IntFlag{Name: "limit", Usage: "end after `N` keys; 0: no limit"},
			}},
	}
}

// looked does a read that takes no token, in a session.
func (k *call) looked(l *client.Leader, words ...string) (client.Reply, error) {
	if err := k.session.CatchUp(k.ctx(), l); err != nil {
		return client.Reply{}, err
	}
	r, err := l.Do(k.ctx(), words...)
	if err != nil {
		return client.Reply{}, err
	}
	return r, k.session.note(k.ctx(), l)
}

func exists(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
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

func ttl(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	key := k.Args().First()
	r, err := k.looked(l, "PTTL", key)
	switch {
	case err != nil:
		return err
	case r.Number == noKey:
		return k.absent("the key is not there, at " + l.String())
	case r.Number == noLimit:
		return k.out.Put(show.Facts{Say: "for ever", Bare: r.Text, All: []show.Fact{show.KeyFact(key), show.NullFact("ttl_ms", "for ever")}})
	}
	lasts := time.Duration(r.Number) * time.Millisecond
	return k.out.Put(show.Facts{Say: lasts.String(), Bare: r.Text, All: []show.Fact{show.KeyFact(key), show.NumberFact("ttl_ms", r.Number)}})
}

func expire(k *call) error {
	key := k.Args().First()
	after, err := lifetime(k.Args().Get(1))
	if err != nil {
		return err
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := k.between(l, "PEXPIRE", key, strconv.FormatInt(after.Milliseconds(), 10))
	switch {
	case err != nil:
		return err
	case r.Number == 0:
		return k.absent("the key is not there, at " + l.String())
	}
	return k.out.Put(done(show.KeyFact(key)))
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

func typeOf(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	key := k.Args().First()
	r, err := k.looked(l, "TYPE", key)
	switch {
	case err != nil:
		return err
	case r.Text == "none":
		return k.absent("the key is not there, at " + l.String())
	}
	return k.out.Put(show.Facts{Say: r.Text, Bare: r.Text, All: []show.Fact{show.KeyFact(key), show.WordFact("type", r.Text)}})
}

func scan(k *call) error {
	pattern := k.Args().First()
	if prefix := k.String("prefix"); prefix != "" {
		if pattern != "" {
			return cliutil.Usage("kv scan takes a pattern or --prefix", "both were given", "kv scan 'user:*'")
		}
		pattern = client.Glob(prefix) + "*"
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	k.out.List()
	keys := l.Keys(pattern)
	limit := k.Int("limit")
	for n := 0; limit == 0 || n < limit; n++ {
		key, ok, err := keys.Next(k.ctx())
		if err != nil || !ok {
			return err
		}
		if err := k.out.Put(show.Key(key)); err != nil {
			return err
		}
	}
	return nil
}
