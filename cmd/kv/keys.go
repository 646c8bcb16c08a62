package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
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
func (k *call) looked(l *leader, words ...string) (reply, error) {
	if err := k.caughtUp(l); err != nil {
		return reply{}, err
	}
	r, err := l.do(k.ctx(), words...)
	if err != nil {
		return reply{}, err
	}
	return r, k.noted(l)
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
	return k.counted("there", r.number)
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
	case r.number == noKey:
		return k.absent("the key is not there, at " + l.String())
	case r.number == noLimit:
		return k.out.put(facts{say: "for ever", bare: r.text, all: []fact{keyFact(key), {"ttl_ms", "for ever", "null"}}})
	}
	lasts := time.Duration(r.number) * time.Millisecond
	return k.out.put(facts{say: lasts.String(), bare: r.text, all: []fact{keyFact(key), {"ttl_ms", r.text, r.text}}})
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
	case r.number == 0:
		return k.absent("the key is not there, at " + l.String())
	}
	return k.out.put(done(keyFact(key)))
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
	case r.text == "none":
		return k.absent("the key is not there, at " + l.String())
	}
	return k.out.put(facts{say: r.text, bare: r.text, all: []fact{keyFact(key), wordFact("type", r.text)}})
}

// named is a key alone.
type named string

func (n named) text(p *printer) string { return p.show(string(n)) }
func (n named) raw() string            { return string(n) }
func (n named) columns() []string      { return []string{"key"} }
func (n named) cells() []string        { return []string{printable(string(n))} }

// MarshalJSON has the one field.
func (n named) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Key keyName `json:"key"`
	}{keyName(n)})
}

func scan(k *call) error {
	pattern := k.Args().First()
	if prefix := k.String("prefix"); prefix != "" {
		if pattern != "" {
			return cliutil.Usage("kv scan takes a pattern or --prefix", "both were given", "kv scan 'user:*'")
		}
		pattern = glob(prefix) + "*"
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	k.out.list()
	keys := &walk{k: k, l: l, pattern: pattern}
	limit := k.Int("limit")
	for n := 0; limit == 0 || n < limit; n++ {
		key, ok, err := keys.next()
		if err != nil || !ok {
			return err
		}
		if err := k.out.put(named(key)); err != nil {
			return err
		}
	}
	return nil
}

// glob is a pattern that matches the text alone.
func glob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// walk is a leader's keys, one by one, in the order the leader gives them.
type walk struct {
	k       *call
	l       *leader
	pattern string // empty: all
	cursor  string // empty: not begun
	part    []string
}

// next is the next key; false: there is none.
func (w *walk) next() (string, bool, error) {
	for len(w.part) == 0 {
		if w.cursor == "0" {
			return "", false, nil
		}
		if err := w.step(); err != nil {
			return "", false, err
		}
	}
	key := w.part[0]
	w.part = w.part[1:]
	return key, true, nil
}

func (w *walk) step() error {
	words := []string{"SCAN", w.cursor, "COUNT", "1000"}
	if w.cursor == "" {
		words[1] = "0"
	}
	if w.pattern != "" {
		words = append(words, "MATCH", w.pattern)
	}
	r, err := w.l.do(w.k.ctx(), words...)
	if err != nil {
		return err
	}
	if len(r.items) != 2 {
		return &refusal{w.l, "SCAN", fmt.Errorf("the answer is no cursor and keys")}
	}
	w.cursor, w.part = r.items[0].text, r.items[1].texts()
	return nil
}
